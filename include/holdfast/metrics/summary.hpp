// What happened between two moments, as rates, shares and percentiles.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "holdfast/metrics/probes.hpp"
#include "holdfast/metrics/thread_usage.hpp"

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

struct ComponentTime {
  std::uint64_t calls = 0;
  std::uint64_t ns = 0;
};

struct ThreadTime {
  unsigned threads = 0;
  double cpu_seconds = 0;
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

  std::optional<double> resident_bytes;  // at the last sample
  std::optional<double> cpu_share;       // of Capacity::cpus; between samples
  std::optional<double> io_wait_share;   // of the machine's CPU time; between samples

  std::optional<double> buffer_utilization;  // at the end: buffered_bytes of the limit

  PerLabel<TimedComponent, ComponentTime> components;
  PerLabel<ThreadClass, ThreadTime> threads;
  // How busy each kind of thread was, 0…1. A shard: CPU time of the busiest one. The journal thread: its CPU
  // time and the time it waited in syncs. Flush workers: worker_utilization.
  std::optional<double> shard_utilization, journal_utilization;
  std::uint64_t cache_evictions = 0;
  std::uint64_t failed_batches = 0;
  std::uint64_t stored_messages = 0;  // whose insert the store has committed
  std::uint64_t queued_batches = 0;   // at the end
  std::uint64_t buffered_bytes = 0;   // at the end; with kMessageOverhead for each message
  double buffer_growth = 0;           // bytes a second, shrinking: below 0
};

}  // namespace holdfast::metrics
