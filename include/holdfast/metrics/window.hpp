// What happened lately: rates, shares and percentiles over the last aggregation_window (since the first
// sample while younger). The monitor thread takes a sample each collection_interval; health, stats and the
// exporter ask for a summary.
//
// Operation: a summary is the difference between the probes read now and the youngest sample that is at least
// a window old (the oldest one while there is none). It covers the window, and up to one interval more.
// Concurrency: take() on one thread; summary() on any thread, some 3 µs a shard.
// Limits: at most 128 samples of about 6 KiB; with an interval shorter than a 120th of the window, samples
// that come too soon after their predecessor replace it.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>

#include "holdfast/base/clock.hpp"
#include "holdfast/metrics/options.hpp"
#include "holdfast/metrics/probes.hpp"
#include "holdfast/metrics/process_usage.hpp"

namespace holdfast::metrics {

// What a share is a share of. 0: unknown, and the share is left out.
struct Capacity {
  unsigned flush_workers = 0;
  double cpus = 0.0;                     // that the process may use
  std::uint64_t buffer_limit_bytes = 0;  // of contents in round and hybrid buffers and in flight together
};

// Milliseconds, of the server side: request read to answer ready. Percentiles read up to 12.5 % high, never
// low.
struct Latency {
  std::uint64_t count = 0;
  double mean_ms = 0.0;
  double p50_ms = 0.0, p90_ms = 0.0, p95_ms = 0.0, p99_ms = 0.0;
};

// Shares are 0…1, percentages 0…100. nullopt: nothing happened that the number could be made of.
struct Summary {
  std::chrono::nanoseconds covers{0};

  std::uint64_t messages = 0;  // acknowledged
  std::uint64_t queries = 0;   // answered, from the cache or searched
  std::uint64_t requests = 0;  // answered, on every route
  double messages_per_minute = 0.0;
  double queries_per_minute = 0.0;
  std::optional<double> error_percentage;  // answers 5xx of all answers; a 503 is one of them, a 429 is not
  std::uint64_t refused_requests = 0;      // 429 and 503 by an own decision, turned away connections too
  PerLabel<RefusalReason, std::uint64_t> refused;  // the same by reason

  std::optional<Latency> write;  // POST messages
  std::optional<Latency> query;  // hits and misses together

  std::optional<double>
      cache_hit_rate;  // hits of hits and misses; queries that pass the cache by do not count
  double transferred_rounds_per_second = 0.0;  // from round to hybrid buffers
  std::optional<double> average_batch_messages;
  std::optional<double> flush_success_rate;  // of the store's answers to batches
  std::optional<double> worker_utilization;  // time in finished store writes of workers × time, at most 1

  std::optional<double> cpu_share;      // of Capacity::cpus; between samples
  std::optional<double> io_wait_share;  // of the machine's CPU time; between samples

  std::optional<double> buffer_utilization;  // now: bytes buffered of the limit
};

class WindowHistory {
 public:
  // probes and clock must outlive this.
  WindowHistory(const Probes& probes, const Options& options, const Capacity& capacity, const Clock& clock);
  ~WindowHistory();

  // First at start: what the first summaries count from.
  void take(const ProcessUsage& usage);

  // All counts 0 and all optionals but buffer_utilization empty before the first take().
  Summary summary() const;

 private:
  struct Sample;
  using SamplePointer = std::shared_ptr<const Sample>;

  // Constant after construction.
  const Probes& probes_;
  const std::chrono::nanoseconds window_;
  const Capacity capacity_;
  const Clock& clock_;

  mutable std::mutex mutex_;
  std::deque<SamplePointer> samples_;  // guarded by mutex_; oldest first
};

}  // namespace holdfast::metrics
