#include <utility>

#include "holdfast/metrics/accounted.hpp"
#include "metrics/export_groups.hpp"

namespace holdfast::metrics {
namespace {

using prometheus::MetricType;

std::optional<double> as_double(const std::optional<std::uint64_t>& value) {
  return value ? std::optional(static_cast<double>(*value)) : std::nullopt;
}

void add_readings(const memory::Report& report, Families& families) {
  const auto& readings = report.readings;
  families.gauge("holdfast_memory_available_bytes",
                 "The least of what the machine, the cgroups and RLIMIT_AS still have.",
                 as_double(readings.available_bytes()));
  const auto working_set = readings.cgroup ? std::optional(readings.cgroup->working_set_bytes) : std::nullopt;
  families.gauge(
      "holdfast_memory_working_set_bytes",
      "Memory of the cgroup around us that is used up furthest, without page cache that can be dropped.",
      as_double(working_set));
  Family stalled("holdfast_memory_stalled_share",
                 "Share of the last 10 s in which tasks of the machine waited for memory (PSI), 0 to 1.",
                 MetricType::Gauge);
  stalled.add(readings.stalled_some, {{"tasks", "some"}});
  stalled.add(readings.stalled_full, {{"tasks", "all"}});
  families.add(std::move(stalled));
  families.counter("holdfast_memory_oom_kills_total", "Processes of our cgroup that the kernel killed.",
                   as_double(readings.oom_kills));
  families.counter("holdfast_memory_limit_hits_total", "Times our cgroup was about to exceed its limit (v2).",
                   as_double(readings.limit_hits));
  families.gauge("holdfast_memory_unreadable_sources", "Sources of the memory monitor that it cannot read.",
                 static_cast<double>(readings.unreadable.size()));
}

}  // namespace

void add_memory(const Probes& probes, const memory::Report& report, const memory::Pressure& pressure,
                Families& families) {
  families.gauge("holdfast_memory_pressure_level",
                 "Memory pressure: 0 normal, 1 warning, 2 critical, 3 emergency.",
                 static_cast<double>(report.level));
  families.counters<memory::Level>(
      "holdfast_memory_level_changes_total", "Changes of the level, by the new one.", "level",
      [&](memory::Level level) { return report.entered[static_cast<std::size_t>(level)]; });
  Family shares(
      "holdfast_memory_signal_ratio",
      "What the level is made of: use as a share of its limit; available as a multiple of its minimum.",
      MetricType::Gauge);
  for_each_label<memory::Signal>([&](memory::Signal signal) {
    shares.add(report.shares[signal], {{"signal", std::string(to_string(signal))}});
  });
  families.add(std::move(shares));
  families.counters<memory::Action>("holdfast_memory_actions_total",
                                    "What was done because of memory pressure.", "action",
                                    [&](memory::Action action) { return pressure.counted(action); });
  const auto accounted = read_accounted(probes);
  families.gauges<Component>("holdfast_memory_accounted_bytes",
                             "Bytes that the daemon counts itself, with the overhead of each message.",
                             "component", [&](Component component) { return accounted[component]; });
  Family limits("holdfast_memory_pressure_limit_bytes",
                "The limits that the level is judged by, and where each comes from.", MetricType::Gauge);
  for (const auto& [name, limit] :
       {std::pair("buffers", &report.limits.buffers), std::pair("process", &report.limits.process),
        std::pair("available", &report.limits.available)}) {
    limits.add(static_cast<double>(limit->bytes), {{"limit", name}, {"origin", limit->origin}});
  }
  families.add(std::move(limits));
  add_readings(report, families);
  families.gauge(
      "holdfast_memory_seconds_to_limit",
      "Until resident memory reaches its limit, as it grows now; absent when it does not within a day.",
      report.seconds_to_limit);
  families.gauge("holdfast_memory_fragmentation_ratio",
                 "Share of resident memory that nobody accounts for, above the least since the last purge.",
                 report.fragmentation);
  families.gauge("holdfast_flush_batch_limit_messages", "Messages that one store write takes at most, now.",
                 static_cast<double>(pressure.batch_messages()));
  families.counter("holdfast_memory_checks_total", "Checks of the memory monitor.",
                   static_cast<double>(report.checks));
  families.counter("holdfast_memory_monitor_cpu_seconds_total", "CPU time of the memory checks.",
                   std::chrono::duration<double>(report.cpu).count());
}

}  // namespace holdfast::metrics
