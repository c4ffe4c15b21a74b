#include "holdfast/metrics/accounted.hpp"

#include "metrics/totals.hpp"

namespace holdfast::metrics {

std::string_view to_string(Component component) {
  constexpr std::array<std::string_view, static_cast<std::size_t>(Component::count)> kNames{
      "round_buffer", "hybrid_buffer",   "in_flight",  "operations", "idempotency_keys", "features",
      "query_cache",  "embedding_cache", "item_cache", "journal",    "requests",         "request_pool"};
  return kNames[static_cast<std::size_t>(component)];
}

PerLabel<Component, std::uint64_t> read_accounted(const Probes& probes) {
  PerLabel<Component, std::uint64_t> accounted;
  const auto stage = [&](Stage which) {
    const auto contents = read_stage(probes, which);
    return contents.bytes + contents.items * kMessageOverhead;
  };
  accounted[Component::round_buffer] = stage(Stage::round_buffer);
  accounted[Component::hybrid_buffer] = stage(Stage::hybrid_buffer);
  accounted[Component::in_flight] = stage(Stage::in_flight);
  for (const auto& shard : probes.shards) {
    accounted[Component::operations] += shard->operation_bytes.value();
    accounted[Component::idempotency_keys] += shard->idempotency_bytes.value();
    accounted[Component::features] += shard->feature_bytes.value();
    accounted[Component::query_cache] +=
        shard->query_cache.bytes.value() + shard->speculative_buffer.bytes.value();
    accounted[Component::embedding_cache] += shard->embedding_cache_bytes.value();
    accounted[Component::request_pool] += shard->pool_idle_bytes.value();
    accounted[Component::requests] += shard->request_bytes.value();
  }
  accounted[Component::item_cache] = probes.store.item_cache_bytes.value();
  accounted[Component::journal] = probes.journal.ledger_bytes.value();
  return accounted;
}

std::uint64_t total(const PerLabel<Component, std::uint64_t>& accounted) {
  std::uint64_t sum = 0;
  for_each_label<Component>([&](Component component) { sum += accounted[component]; });
  return sum;
}

std::uint64_t buffered(const PerLabel<Component, std::uint64_t>& accounted) {
  return accounted[Component::round_buffer] + accounted[Component::hybrid_buffer] +
         accounted[Component::in_flight] + accounted[Component::operations];
}

}  // namespace holdfast::metrics
