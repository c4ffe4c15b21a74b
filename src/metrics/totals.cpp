#include "metrics/totals.hpp"

namespace holdfast::metrics {

namespace {

// The writer adds to `in` before it adds to `out`; so `out` is read first, and a reader on a machine that
// reorders the two still gets no wrapped number.
std::uint64_t difference(std::uint64_t out, std::uint64_t in) {
  return in > out ? in - out : 0;
}

void add_shard(const ShardProbe& shard, Totals& sum) {
  sum.messages += shard.messages.value();
  for_each_label<TransferReason>(
      [&](auto reason) { sum.transferred_rounds += shard.transfers[reason].value(); });
  const auto batches = shard.batch_messages.snapshot();
  sum.batches += batches.count;
  sum.batch_messages += batches.sum;
  sum.flushed_batches += shard.flushed_batches.value();
  sum.failed_batches += shard.failed_batches.value();
  for_each_label<Route>([&](auto route) {
    for (const auto& status_class : shard.responses[route]) sum.responses += status_class.value();
    sum.server_errors += shard.responses[route][5].value();
  });
  for_each_label<RefusalReason>([&](auto reason) { sum.refused[reason] += shard.refused[reason].value(); });
  for_each_label<CacheOutcome>([&](auto outcome) { sum.cache[outcome] += shard.cache[outcome].value(); });
  sum.stored_messages += shard.stored_messages.value();
  sum.cache_evictions += shard.query_cache.evicted.value();
  sum.write_ns += shard.write_ns.snapshot();
  sum.query_ns += shard.query_hit_ns.snapshot();
  sum.query_ns += shard.query_miss_ns.snapshot();
}

}  // namespace

Totals& Totals::operator-=(const Totals& earlier) {
  messages -= earlier.messages;
  transferred_rounds -= earlier.transferred_rounds;
  batches -= earlier.batches;
  batch_messages -= earlier.batch_messages;
  flushed_batches -= earlier.flushed_batches;
  failed_batches -= earlier.failed_batches;
  responses -= earlier.responses;
  server_errors -= earlier.server_errors;
  for_each_label<RefusalReason>([&](auto reason) { refused[reason] -= earlier.refused[reason]; });
  for_each_label<CacheOutcome>([&](auto outcome) { cache[outcome] -= earlier.cache[outcome]; });
  busy_ns -= earlier.busy_ns;
  write_ns -= earlier.write_ns;
  query_ns -= earlier.query_ns;
  stored_messages -= earlier.stored_messages;
  cache_evictions -= earlier.cache_evictions;
  journal_sync_ns -= earlier.journal_sync_ns;
  for_each_label<TimedComponent>([&](auto component) {
    components[component].calls -= earlier.components[component].calls;
    components[component].ns -= earlier.components[component].ns;
  });
  return *this;
}

Totals read_totals(const Probes& probes) {
  Totals sum;
  for (const auto& shard : probes.shards) add_shard(*shard, sum);
  sum.busy_ns = probes.flush.busy_ns.value();
  sum.journal_sync_ns = probes.journal.sync_ns.sum();
  for_each_label<TimedComponent>([&](auto component) {
    const auto times = read_component(probes, component);
    sum.components[component] = {times.count, times.sum};
  });
  sum.buffered_bytes = buffered(read_accounted(probes));
  sum.queued_batches = read_flush_queue_depth(probes.flush);
  return sum;
}

HistogramSnapshot read_component(const Probes& probes, TimedComponent component) {
  auto sum = probes.flush.components[component].snapshot();
  for (const auto& shard : probes.shards) sum += shard->components[component].snapshot();
  return sum;
}

StageContents read_stage(const Probes& probes, Stage stage) {
  StageContents now;
  for (const auto& shard : probes.shards) {
    const auto& counts = shard->stages[stage];
    const auto items_out = counts.items_out.value(), bytes_out = counts.bytes_out.value();
    now.items += difference(items_out, counts.items_in.value());
    now.bytes += difference(bytes_out, counts.bytes_in.value());
  }
  return now;
}

std::uint64_t read_flush_queue_depth(const FlushProbe& flush) {
  const auto taken = flush.taken.value();
  return difference(taken, flush.queued.value());
}

}  // namespace holdfast::metrics
