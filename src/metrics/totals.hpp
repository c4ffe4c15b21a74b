// Sums over the shards' probes.
#pragma once

#include <cstdint>

#include "holdfast/metrics/accounted.hpp"
#include "holdfast/metrics/probes.hpp"
#include "holdfast/metrics/summary.hpp"

namespace holdfast::metrics {

// What the window compares between two moments. Each number only grows, but for the last two.
struct Totals {
  std::uint64_t messages = 0;
  std::uint64_t transferred_rounds = 0;
  std::uint64_t batches = 0, batch_messages = 0;  // handed to the flush queue
  std::uint64_t flushed_batches = 0, failed_batches = 0;
  std::uint64_t responses = 0, server_errors = 0;  // all; status 5xx
  PerLabel<RefusalReason, std::uint64_t> refused;
  PerLabel<CacheOutcome, std::uint64_t> cache;
  std::uint64_t busy_ns = 0;
  HistogramSnapshot write_ns;
  HistogramSnapshot query_ns;  // hits and misses
  std::uint64_t stored_messages = 0, cache_evictions = 0;
  std::uint64_t journal_sync_ns = 0;
  PerLabel<TimedComponent, ComponentTime> components;
  std::uint64_t buffered_bytes = 0, queued_batches = 0;  // now

  Totals& operator-=(const Totals& earlier);
};

Totals read_totals(const Probes& probes);

// What one component has taken on all shards and flush workers together.
HistogramSnapshot read_component(const Probes& probes, TimedComponent component);

// Batches pushed and not yet taken by a worker.
std::uint64_t read_flush_queue_depth(const FlushProbe& flush);

template <class Read>
std::uint64_t sum_of_shards(const Probes& probes, Read read) {
  std::uint64_t sum = 0;
  for (const auto& shard : probes.shards) sum += read(*shard);
  return sum;
}

template <class Select>
HistogramSnapshot histogram_of_shards(const Probes& probes, Select select) {
  HistogramSnapshot sum;
  for (const auto& shard : probes.shards) sum += select(*shard).snapshot();
  return sum;
}

// Calls visit(label) for each label of a closed set.
template <class Enum, class Visit>
void for_each_label(Visit visit) {
  for (std::size_t i = 0; i < static_cast<std::size_t>(Enum::count); ++i) visit(static_cast<Enum>(i));
}

}  // namespace holdfast::metrics
