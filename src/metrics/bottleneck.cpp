#include "holdfast/metrics/bottleneck.hpp"

#include <spdlog/fmt/fmt.h>

#include <optional>

#include "metrics/totals.hpp"

namespace holdfast::metrics {
namespace {

using Row = std::optional<Finding>;

constexpr const char* kHybridSize = "buffer.hybrid_buffer.max_size";
constexpr const char* kRoundSize = "buffer.round_buffer.max_size";
constexpr const char* kCacheSize = "buffer.query.cache_size";
constexpr const char* kWorkers = "buffer.performance.max_flush_workers";

int percent(double share) {
  return static_cast<int>(100 * share + 0.5);
}

double total_cpu(const Summary& summary) {
  double sum = 0;
  for_each_label<ThreadClass>([&](ThreadClass label) { sum += summary.threads[label].cpu_seconds; });
  return sum;
}

double elapsed(const Summary& summary) {
  return std::chrono::duration<double>(summary.covers).count();
}

double mean_ns(const ComponentTime& time) {
  return time.calls == 0 ? 0.0 : static_cast<double>(time.ns) / static_cast<double>(time.calls);
}

// High memory: reduce what takes it.
Row memory_row(const Situation& now) {
  if (now.memory_share < kMemoryShare) return std::nullopt;
  Finding found{Bottleneck::memory,
                fmt::format("memory is at {} % of its limit", percent(now.memory_share)),
                {},
                {},
                {}};
  if (now.cache_bytes > now.summary.buffered_bytes) {
    found.setting = kCacheSize;
    found.value = std::to_string(now.settings.cache_size);
    found.suggestion = "reduce it: the query cache holds more than the buffers";
  } else {
    found.setting = kHybridSize;
    found.value = std::to_string(now.settings.hybrid_size);
    found.suggestion = "reduce it (and " + std::string(kRoundSize) +
                       "), so that messages leave for the store sooner; batches become smaller";
  }
  return found;
}

// Frequent timeouts: a store that needs nearly the whole timeout for an ordinary write.
Row timeouts_row(const Situation& now) {
  const auto timeout_ns = static_cast<double>(std::chrono::nanoseconds(now.settings.flush_timeout).count());
  const auto mean = mean_ns(now.summary.components[TimedComponent::store]);
  if (now.summary.failed_batches == 0 || mean < kTimeoutShare * timeout_ns) return std::nullopt;
  return Finding{Bottleneck::timeouts,
                 fmt::format("{} batches failed, and a store write takes {:.1f} s on average",
                             now.summary.failed_batches, mean / 1e9),
                 "buffer.performance.flush_timeout", fmt::format("{}ms", now.settings.flush_timeout.count()),
                 "increase it; nothing is lost by waiting, what is acknowledged is in the journal"};
}

// High CPU: fewer workers where they take most of it, else more shards while there are CPUs for them.
Row cpu_row(const Situation& now) {
  const auto& summary = now.summary;
  const double spent = total_cpu(summary);
  const double of_all = now.cpus > 0 && elapsed(summary) > 0 ? spent / (elapsed(summary) * now.cpus) : 0.0;
  const double busiest = summary.shard_utilization.value_or(0.0);
  if (of_all < kCpuShare && busiest < kCpuShare) return std::nullopt;
  Finding found{Bottleneck::cpu, {}, {}, {}, {}};
  const double flushing = summary.threads[ThreadClass::flush].cpu_seconds;
  if (of_all >= kCpuShare && flushing >= spent / 2 && now.settings.flush_workers > 1) {
    found.reason = fmt::format("{} % of the CPUs are used, {} % of that by flush workers", percent(of_all),
                               percent(flushing / spent));
    found.setting = kWorkers;
    found.value = std::to_string(now.settings.flush_workers);
    found.suggestion = "reduce it: requests get the CPU first, batches wait longer";
    return found;
  }
  found.reason = fmt::format("{} % of the CPUs are used, the busiest shard {} % of one", percent(of_all),
                             percent(busiest));
  found.value = std::to_string(now.settings.shards);
  if (of_all < kCpuShare && now.settings.shards < now.cpus) {
    found.setting = "server.shards";
    found.suggestion = "increase it up to the number of CPUs";
  } else {
    found.value.clear();
    found.suggestion = "no setting helps: it is the machine's limit; most of the time goes to " +
                       std::string(to_string(busiest_component(summary)));
  }
  return found;
}

// Low throughput: what comes in waits for the flush workers. Larger batches where the store's commits are
// what they wait for, else more workers.
Row throughput_row(const Situation& now) {
  const auto& summary = now.summary;
  const double busy = summary.worker_utilization.value_or(0.0);
  const double queued =
      now.queue_size == 0 ? 0.0
                          : static_cast<double>(summary.queued_batches) / static_cast<double>(now.queue_size);
  if (busy < kWorkersBusy && queued < kQueueShare) return std::nullopt;
  Finding found{Bottleneck::throughput,
                fmt::format("flush workers are busy {} % of their time, the queue is {} % full, a batch has "
                            "{:.1f} messages",
                            percent(busy), percent(queued), summary.average_batch_messages.value_or(0.0)),
                {},
                {},
                {}};
  const auto& store = summary.components[TimedComponent::store];
  const auto& embedding = summary.components[TimedComponent::embedding];
  if (store.ns >= embedding.ns) {
    found.setting = kHybridSize;
    found.value = std::to_string(now.settings.hybrid_size);
    found.suggestion = "increase it (and " + std::string(kRoundSize) +
                       "): more messages share a commit; more memory a session";
  } else {
    found.setting = kWorkers;
    found.value = std::to_string(now.settings.flush_workers);
    found.suggestion = "increase it up to the number of CPUs: terms and vectors are made in parallel";
  }
  return found;
}

// High latency: of writes that wait for the journal, of queries that are searched, or of buffering itself.
Row latency_row(const Situation& now) {
  const auto& summary = now.summary;
  const double write = summary.write ? summary.write->p95_ms : 0.0;
  const double query = summary.query ? summary.query->p95_ms : 0.0;
  if (write < kSlowMilliseconds && query < kSlowMilliseconds) return std::nullopt;
  Finding found{Bottleneck::latency,
                fmt::format("p95 is {:.0f} ms for writes, {:.0f} ms for queries", write, query),
                {},
                {},
                {}};
  if (query > write) {
    found.setting = kCacheSize;
    found.value = std::to_string(now.settings.cache_size);
    found.suggestion = "increase it: a query from the cache needs no search; more memory";
    return found;
  }
  const double waited = mean_ns(summary.components[TimedComponent::journal_wait]) / 1e6;
  if (waited >= summary.write->mean_ms / 2 && now.settings.durability == "fsync") {
    found.setting = "journal.durability";
    found.value = now.settings.durability;
    found.suggestion =
        "a faster disk for journal.dir; or os, which survives a killed process but not a power cut";
  } else {
    found.setting = "buffer.enabled";
    found.value = now.settings.buffered ? "true" : "false";
    found.suggestion = now.settings.buffered
                           ? "false (bypass) where few write at a time: no buffers to go through"
                           : "true: a write then waits for the journal, not for the store";
  }
  return found;
}

// Low cache hit rate: a larger cache where answers are pushed out, else answers for more similar questions.
Row cache_row(const Situation& now) {
  const auto& summary = now.summary;
  if (!summary.cache_hit_rate || *summary.cache_hit_rate >= kLowHitRate || summary.queries < kEnoughQueries) {
    return std::nullopt;
  }
  Finding found{Bottleneck::cache,
                fmt::format("{} % of the queries are answered from the cache, {} answers were pushed out",
                            percent(*summary.cache_hit_rate), summary.cache_evictions),
                {},
                {},
                {}};
  if (summary.cache_evictions > 0) {
    found.setting = kCacheSize;
    found.value = std::to_string(now.settings.cache_size);
    found.suggestion = "increase it: more memory";
  } else {
    found.setting = "buffer.query.similarity_threshold";
    found.value = fmt::format("{}", now.settings.similarity_threshold);
    found.suggestion = "reduce it, if the questions are rewordings of each other; max_error still holds";
  }
  return found;
}

}  // namespace

std::string_view to_string(Bottleneck label) {
  constexpr std::string_view kNames[] = {"memory", "timeouts", "cpu", "throughput", "latency", "cache"};
  static_assert(std::size(kNames) == static_cast<std::size_t>(Bottleneck::count));
  const auto index = static_cast<std::size_t>(label);
  return index < std::size(kNames) ? kNames[index] : "unknown";
}

std::vector<Finding> find_bottlenecks(const Situation& situation) {
  std::vector<Finding> findings;
  for (const auto row : {memory_row, timeouts_row, cpu_row, throughput_row, latency_row, cache_row}) {
    if (auto found = row(situation)) findings.push_back(std::move(*found));
  }
  return findings;
}

TimedComponent busiest_component(const Summary& summary) {
  auto busiest = TimedComponent::count;
  std::uint64_t most = 0;
  for_each_label<TimedComponent>([&](TimedComponent component) {
    const auto ns = summary.components[component].ns;
    if (is_wait(component) || ns <= most) return;
    busiest = component;
    most = ns;
  });
  return busiest;
}

bool is_wait(TimedComponent component) {
  return component == TimedComponent::journal_wait || component == TimedComponent::flush ||
         component == TimedComponent::multi_source_query;
}

}  // namespace holdfast::metrics
