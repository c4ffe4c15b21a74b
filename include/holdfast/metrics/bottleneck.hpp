// What holds the daemon up, by rules: from what was measured to the setting to change. The rows are those of
// the bottleneck table in the performance plan (memory, CPU, latency, throughput, cache hit rate, timeouts);
// where its remedy depends on the cause, the row looks for the cause. Pure functions.
//
// Order. What endangers comes before what is slow: the first row that applies is the bottleneck, the others
// are told too.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "holdfast/metrics/summary.hpp"

namespace holdfast::metrics {

enum class Bottleneck : std::size_t { memory, timeouts, cpu, throughput, latency, cache, count };
std::string_view to_string(Bottleneck);

// The values that suggestions are about, as they are now.
struct TunedSettings {
  std::size_t round_size = 0;   // buffer.round_buffer.max_size
  std::size_t hybrid_size = 0;  // buffer.hybrid_buffer.max_size
  std::size_t cache_size = 0;   // buffer.query.cache_size
  double similarity_threshold = 0;
  unsigned flush_workers = 0;
  std::chrono::milliseconds flush_timeout{0};
  std::string durability;  // journal.durability
  bool buffered = true;    // buffer.enabled
  unsigned shards = 0;
};

struct Situation {
  Summary summary;
  double memory_share = 0;  // the worst signal of the memory monitor against its limit
  std::uint64_t cache_bytes = 0;
  std::size_t queue_size = 0;  // buffer.performance.max_flush_queue_size
  double cpus = 0;             // that the process may use; 0: unknown
  TunedSettings settings;
};

struct Finding {
  Bottleneck what = Bottleneck::count;
  std::string reason;      // what was measured, against what
  std::string setting;     // its path; empty: no setting helps
  std::string value;       // now
  std::string suggestion;  // what to change it to, and what that costs
};

// Where the rows begin to apply. Latencies are those of /health/performance.
inline constexpr double kMemoryShare = 0.9;
inline constexpr double kTimeoutShare = 0.5;      // a store write's mean, of flush_timeout, when writes fail
inline constexpr double kCpuShare = 0.8;          // of all CPUs, or of the busiest shard's one
inline constexpr double kWorkersBusy = 0.8;       // of the flush workers' time
inline constexpr double kQueueShare = 0.5;        // of the flush queue
inline constexpr double kSlowMilliseconds = 250;  // p95
inline constexpr double kLowHitRate = 0.2;
inline constexpr std::uint64_t kEnoughQueries = 100;  // to speak of a hit rate

// Every row that applies, in the order of Bottleneck; empty: nothing is at its limit.
std::vector<Finding> find_bottlenecks(const Situation& situation);

// The component that took most of the daemon's own time; count: none did anything.
TimedComponent busiest_component(const Summary& summary);
// Time that passes rather than work that is done (see TimedComponent).
bool is_wait(TimedComponent component);

}  // namespace holdfast::metrics
