#include "holdfast/metrics/summary.hpp"

#include <algorithm>

#include "metrics/sample.hpp"

namespace holdfast::metrics {

namespace {

double seconds(std::chrono::nanoseconds time) {
  return std::chrono::duration<double>(time).count();
}

std::optional<double> share(double part, double whole) {
  return whole > 0.0 ? std::optional(part / whole) : std::nullopt;
}

std::optional<double> share(std::uint64_t part, std::uint64_t whole) {
  return share(static_cast<double>(part), static_cast<double>(whole));
}

double rate(std::uint64_t count, double per_seconds) {
  return share(static_cast<double>(count), per_seconds).value_or(0.0);
}

// Of busy time. What is counted when it ends may have begun before: at most 1.
std::optional<double> busy_share(double busy_seconds, double of_seconds) {
  const auto found = share(busy_seconds, of_seconds);
  return found ? std::optional(std::min(1.0, *found)) : std::nullopt;
}

std::optional<double> growth(const std::optional<double>& earlier, const std::optional<double>& later) {
  return earlier && later ? std::optional(std::max(0.0, *later - *earlier)) : std::nullopt;
}

// Threads that ended took their time with them.
double grown_seconds(std::uint64_t earlier, std::uint64_t later) {
  return later > earlier ? static_cast<double>(later - earlier) / 1e9 : 0.0;
}

std::optional<Latency> latency_of(const HistogramSnapshot& ns) {
  if (ns.count == 0) return std::nullopt;
  const auto ms = [&](double p) { return static_cast<double>(ns.percentile(p)) / 1e6; };
  return Latency{ns.count, ns.mean() / 1e6, ms(0.50), ms(0.90), ms(0.95), ms(0.99)};
}

void add_traffic(const Totals& spent, double elapsed, Summary& summary) {
  summary.messages = spent.messages;
  summary.queries = spent.query_ns.count;
  summary.requests = spent.responses;
  summary.messages_per_minute = rate(spent.messages, elapsed / 60.0);
  summary.queries_per_minute = rate(spent.query_ns.count, elapsed / 60.0);
  summary.error_percentage = share(100 * spent.server_errors, spent.responses);
  summary.refused = spent.refused;
  for_each_label<RefusalReason>([&](auto reason) { summary.refused_requests += spent.refused[reason]; });
  summary.write = latency_of(spent.write_ns);
  summary.query = latency_of(spent.query_ns);
  const auto hits = spent.cache[CacheOutcome::hit] + spent.cache[CacheOutcome::similar] +
                    spent.cache[CacheOutcome::speculative];
  summary.cache_hit_rate = share(hits, hits + spent.cache[CacheOutcome::miss]);
  summary.cache_evictions = spent.cache_evictions;
}

void add_flushing(const Totals& spent, double elapsed, unsigned workers, Summary& summary) {
  summary.transferred_rounds_per_second = rate(spent.transferred_rounds, elapsed);
  summary.average_batch_messages = share(spent.batch_messages, spent.batches);
  summary.flush_success_rate = share(spent.flushed_batches, spent.flushed_batches + spent.failed_batches);
  summary.failed_batches = spent.failed_batches;
  summary.stored_messages = spent.stored_messages;
  summary.worker_utilization = busy_share(static_cast<double>(spent.busy_ns) / 1e9, elapsed * workers);
}

}  // namespace

Summary summarize_gauges(const Sample& now, const Capacity& capacity) {
  Summary summary;
  summary.buffered_bytes = now.totals.buffered_bytes;
  summary.queued_batches = now.totals.queued_batches;
  summary.buffer_utilization = share(now.totals.buffered_bytes, capacity.buffer_limit_bytes);
  return summary;
}

Summary summarize(const Sample& earlier, const Sample& later, const Capacity& capacity) {
  auto spent = later.totals;
  spent -= earlier.totals;
  auto summary = summarize_gauges(later, capacity);
  summary.covers = later.time - earlier.time;
  const double elapsed = seconds(summary.covers);
  add_traffic(spent, elapsed, summary);
  add_flushing(spent, elapsed, capacity.flush_workers, summary);
  summary.components = spent.components;
  const auto grown =
      static_cast<double>(later.totals.buffered_bytes) - static_cast<double>(earlier.totals.buffered_bytes);
  summary.buffer_growth = share(grown, elapsed).value_or(0.0);
  add_usage(earlier, later, capacity, summary);
  return summary;
}

void add_usage(const Sample& earlier, const Sample& later, const Capacity& capacity, Summary& summary) {
  const double elapsed = seconds(later.time - earlier.time);
  if (const auto& resident = later.usage.resident_bytes)
    summary.resident_bytes = static_cast<double>(*resident);
  const auto cpu = growth(earlier.usage.cpu_seconds(), later.usage.cpu_seconds());
  if (cpu) summary.cpu_share = share(*cpu, elapsed * capacity.cpus);
  const auto io_wait = growth(earlier.usage.machine_io_wait_seconds, later.usage.machine_io_wait_seconds);
  const auto machine = growth(earlier.usage.machine_cpu_seconds, later.usage.machine_cpu_seconds);
  if (io_wait && machine) summary.io_wait_share = share(*io_wait, *machine);

  for_each_label<ThreadClass>([&](ThreadClass label) {
    const auto& now = later.threads.classes[label];
    summary.threads[label] = {now.threads, grown_seconds(earlier.threads.classes[label].cpu_ns, now.cpu_ns)};
  });
  const auto& before = earlier.threads.shard_cpu_ns;
  const auto& after = later.threads.shard_cpu_ns;
  for (std::size_t i = 0; i < std::min(before.size(), after.size()); ++i) {
    const auto busy = busy_share(grown_seconds(before[i], after[i]), elapsed);
    if (busy) summary.shard_utilization = std::max(summary.shard_utilization.value_or(0.0), *busy);
  }
  if (summary.threads[ThreadClass::journal].threads > 0) {
    const auto syncs = grown_seconds(earlier.totals.journal_sync_ns, later.totals.journal_sync_ns);
    summary.journal_utilization =
        busy_share(summary.threads[ThreadClass::journal].cpu_seconds + syncs, elapsed);
  }
}

}  // namespace holdfast::metrics
