#include "holdfast/metrics/memory_estimate.hpp"

#include "metrics/totals.hpp"

namespace holdfast::metrics {
namespace {

double real(std::uint64_t number) {
  return static_cast<double>(number);
}

bool store_was_used(const Probes& probes) {
  return probes.store.item_cache_bytes.value() > 0 ||
         sum_of_shards(probes, [](const ShardProbe& shard) { return shard.stored_messages.value(); }) > 0;
}

}  // namespace

std::uint64_t estimate_resident(const Probes& probes) {
  const auto accounted = read_accounted(probes);
  double sum = kProgramBytes + (store_was_used(probes) ? kStoreBytes : 0);
  for_each_label<Stage>([&](Stage stage) {
    const auto held = read_stage(probes, stage);
    sum += real(held.items) * kMessageBytes + real(held.bytes) * kContentFactor;
  });
  sum += real(accounted[Component::operations]) * kContentFactor;
  sum += real(accounted[Component::query_cache]) * kCacheFactor;
  for (const auto component :
       {Component::idempotency_keys, Component::features, Component::embedding_cache, Component::item_cache,
        Component::journal, Component::requests, Component::request_pool}) {
    sum += real(accounted[component]);
  }
  return static_cast<std::uint64_t>(sum);
}

std::uint64_t estimate_peak(const Bounds& bounds) {
  const double sum = kProgramBytes + kStoreBytes +
                     real(bounds.buffers) * (kContentFactor + kFeaturesShare + kKeysShare) +
                     real(bounds.query_cache) * kCacheFactor + real(bounds.embedding_cache) +
                     real(bounds.item_cache) + real(bounds.requests) + real(bounds.request_pool);
  return static_cast<std::uint64_t>(sum);
}

}  // namespace holdfast::metrics
