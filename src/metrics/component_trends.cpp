#include "holdfast/metrics/component_trends.hpp"

#include "metrics/totals.hpp"

namespace holdfast::metrics {
namespace {

std::uint64_t responses_of(const ShardProbe& shard) {
  std::uint64_t sum = 0;
  for_each_label<Route>([&](Route route) {
    for (const auto& status : shard.responses[route]) sum += status.value();
  });
  return sum;
}

// How much has ever left it; 0 where that is not what its size depends on.
std::uint64_t left(const Probes& probes, Component component) {
  const auto out_of = [&](Stage stage) {
    return sum_of_shards(probes,
                         [&](const ShardProbe& shard) { return shard.stages[stage].items_out.value(); });
  };
  switch (component) {
    case Component::round_buffer:
      return out_of(Stage::round_buffer);
    case Component::hybrid_buffer:
      return out_of(Stage::hybrid_buffer);
    case Component::in_flight:
      return out_of(Stage::in_flight);
    case Component::operations:
      return sum_of_shards(probes, [](const ShardProbe& shard) { return shard.flushed_batches.value(); });
    case Component::requests:
      return sum_of_shards(probes, responses_of);
    case Component::idempotency_keys:
    case Component::features:
    case Component::query_cache:
    case Component::embedding_cache:
    case Component::item_cache:
    case Component::journal:
    case Component::request_pool:
    case Component::count:
      break;
  }
  return 0;
}

}  // namespace

ComponentTrends::ComponentTrends(const Probes& probes)
    : probes_(probes), components_(PerLabel<Component, Trend>::size()) {}

void ComponentTrends::Followed::add(SteadyTime now, std::uint64_t now_bytes, std::uint64_t left) {
  bytes = now_bytes;
  growth.add(now, bytes);
  floor.add(now, bytes, left);
}

Trend ComponentTrends::Followed::trend() const {
  return {bytes, growth.bytes_a_second(), floor.grown()};
}

void ComponentTrends::look(SteadyTime now, std::optional<std::uint64_t> resident) {
  const auto accounted = read_accounted(probes_);
  const std::lock_guard lock(mutex_);
  for_each_label<Component>([&](Component component) {
    components_[static_cast<std::size_t>(component)].add(now, accounted[component], left(probes_, component));
  });
  if (!resident) return;
  const auto sum = total(accounted);
  unaccounted_.add(now, *resident > sum ? *resident - sum : 0, ++looks_);
}

Trends ComponentTrends::report() const {
  Trends trends;
  const std::lock_guard lock(mutex_);
  for_each_label<Component>([&](Component component) {
    trends.components[component] = components_[static_cast<std::size_t>(component)].trend();
  });
  trends.unaccounted = unaccounted_.trend();
  return trends;
}

}  // namespace holdfast::metrics
