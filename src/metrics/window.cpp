#include "holdfast/metrics/window.hpp"

#include <algorithm>
#include <utility>

#include "metrics/totals.hpp"

namespace holdfast::metrics {

struct WindowHistory::Sample {
  SteadyTime time;
  Totals totals;
  std::optional<double> cpu_seconds;
  std::optional<double> machine_io_wait_seconds;
  std::optional<double> machine_cpu_seconds;
};

namespace {

constexpr int kSamplesPerWindow = 120;

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

std::optional<double> growth(const std::optional<double>& earlier, const std::optional<double>& later) {
  return earlier && later ? std::optional(std::max(0.0, *later - *earlier)) : std::nullopt;
}

std::optional<Latency> latency_of(const HistogramSnapshot& ns) {
  if (ns.count == 0) return std::nullopt;
  const auto ms = [&](double p) { return static_cast<double>(ns.percentile(p)) / 1e6; };
  return Latency{ns.count, ns.mean() / 1e6, ms(0.50), ms(0.90), ms(0.95), ms(0.99)};
}

Summary summarize(const Totals& spent, std::chrono::nanoseconds covers, unsigned workers) {
  const double elapsed = seconds(covers);
  Summary summary;
  summary.covers = covers;
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
  const auto hits = spent.cache[CacheOutcome::hit] + spent.cache[CacheOutcome::similar];
  summary.cache_hit_rate = share(hits, hits + spent.cache[CacheOutcome::miss]);
  summary.transferred_rounds_per_second = rate(spent.transferred_rounds, elapsed);
  summary.average_batch_messages = share(spent.batch_messages, spent.batches);
  summary.flush_success_rate = share(spent.flushed_batches, spent.flushed_batches + spent.failed_batches);
  summary.worker_utilization = share(static_cast<double>(spent.busy_ns) / 1e9, elapsed * workers);
  // A write is counted when it ends, also what it took before the window began.
  if (summary.worker_utilization) summary.worker_utilization = std::min(1.0, *summary.worker_utilization);
  return summary;
}

std::optional<double> buffer_utilization(const Probes& probes, std::uint64_t limit) {
  std::uint64_t bytes = 0;
  for_each_label<Stage>([&](auto stage) { bytes += read_stage(probes, stage).bytes; });
  return share(bytes, limit);
}

}  // namespace

WindowHistory::WindowHistory(const Probes& probes, const Options& options, const Capacity& capacity,
                             const Clock& clock)
    : probes_(probes), window_(options.aggregation_window), capacity_(capacity), clock_(clock) {}

WindowHistory::~WindowHistory() = default;

void WindowHistory::take(const ProcessUsage& usage) {
  auto sample =
      std::make_shared<const Sample>(Sample{clock_.steady_now(), read_totals(probes_), usage.cpu_seconds(),
                                            usage.machine_io_wait_seconds, usage.machine_cpu_seconds});
  const auto window_start = sample->time - window_;
  const std::lock_guard lock(mutex_);
  const auto kept = samples_.size();
  if (kept >= 2 && samples_[kept - 1]->time - samples_[kept - 2]->time < window_ / kSamplesPerWindow) {
    samples_.back() = std::move(sample);
  } else {
    samples_.push_back(std::move(sample));
  }
  while (samples_.size() >= 2 && samples_[1]->time <= window_start) samples_.pop_front();
}

Summary WindowHistory::summary() const {
  SamplePointer base, latest;
  if (const std::lock_guard lock(mutex_); !samples_.empty()) {
    base = samples_.front();
    latest = samples_.back();
  }
  Summary summary;
  if (base) {
    Totals spent = read_totals(probes_);
    spent -= base->totals;
    summary = summarize(spent, clock_.steady_now() - base->time, capacity_.flush_workers);
    const auto cpu = growth(base->cpu_seconds, latest->cpu_seconds);
    if (cpu) summary.cpu_share = share(*cpu, seconds(latest->time - base->time) * capacity_.cpus);
    const auto io_wait = growth(base->machine_io_wait_seconds, latest->machine_io_wait_seconds);
    const auto machine = growth(base->machine_cpu_seconds, latest->machine_cpu_seconds);
    if (io_wait && machine) summary.io_wait_share = share(*io_wait, *machine);
  }
  summary.buffer_utilization = buffer_utilization(probes_, capacity_.buffer_limit_bytes);
  return summary;
}

}  // namespace holdfast::metrics
