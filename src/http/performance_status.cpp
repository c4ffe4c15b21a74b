#include "performance_status.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "holdfast/metrics/outlook.hpp"

namespace holdfast::http {
namespace {

using Json = nlohmann::ordered_json;
using metrics::ThreadClass;
using metrics::TimedComponent;

double in_seconds(std::chrono::nanoseconds time) {
  return std::chrono::duration<double>(time).count();
}

// Available memory is the one signal that is bad when small.
double worst_memory_share(const memory::Report& report) {
  double worst = 0;
  for (const auto signal : {memory::Signal::accounted, memory::Signal::resident, memory::Signal::cgroup,
                            memory::Signal::address_space}) {
    worst = std::max(worst, report.shares[signal].value_or(0.0));
  }
  return worst;
}

Json components_json(const metrics::Summary& summary) {
  constexpr auto kCount = static_cast<std::size_t>(TimedComponent::count);
  std::uint64_t worked = 0;
  for (std::size_t i = 0; i < kCount; ++i) {
    const auto component = static_cast<TimedComponent>(i);
    if (!is_wait(component)) worked += summary.components[component].ns;
  }
  Json all = Json::object();
  for (std::size_t i = 0; i < kCount; ++i) {
    const auto component = static_cast<TimedComponent>(i);
    const auto& time = summary.components[component];
    const auto ns = static_cast<double>(time.ns);
    Json entry = {{"calls", time.calls}, {"total_ms", ns / 1e6}, {"mean_us", nullptr}, {"share", nullptr}};
    if (time.calls > 0) entry["mean_us"] = ns / 1e3 / static_cast<double>(time.calls);
    if (!is_wait(component) && worked > 0) entry["share"] = ns / static_cast<double>(worked);
    entry["kind"] = is_wait(component) ? "wait" : "work";
    all[std::string(to_string(component))] = std::move(entry);
  }
  return all;
}

Json threads_json(const metrics::Summary& summary) {
  Json all = Json::object();
  for (std::size_t i = 0; i < static_cast<std::size_t>(ThreadClass::count); ++i) {
    const auto label = static_cast<ThreadClass>(i);
    const auto& time = summary.threads[label];
    const double of = in_seconds(summary.covers) * time.threads;
    all[std::string(to_string(label))] = {
        {"threads", time.threads},
        {"cpu_seconds", time.cpu_seconds},
        {"cpu_share", of > 0 ? Json(time.cpu_seconds / of) : Json(nullptr)}};
  }
  return all;
}

Json finding_json(const metrics::Finding& finding) {
  const auto or_null = [](const std::string& text) { return text.empty() ? Json(nullptr) : Json(text); };
  return {{"bottleneck", to_string(finding.what)},
          {"reason", finding.reason},
          {"setting", or_null(finding.setting)},
          {"value", or_null(finding.value)},
          {"suggestion", finding.suggestion}};
}

}  // namespace

metrics::Situation situation_of(const StatusSources& from, metrics::Summary summary) {
  metrics::Situation now;
  now.summary = std::move(summary);
  now.memory_share = worst_memory_share(from.memory.report());
  for (const auto& shard : from.probes.shards) now.cache_bytes += shard->query_cache.bytes.value();
  now.queue_size = from.parts.flush.queue().capacity();
  now.cpus = from.window.capacity().cpus;
  const auto options = from.options.get();
  auto& settings = now.settings;
  settings.round_size = options->buffer.round.max_rounds;
  settings.hybrid_size = options->buffer.hybrid.max_rounds;
  settings.cache_size = options->cache.entries;
  settings.similarity_threshold = options->cache.similarity_threshold;
  settings.flush_workers = from.parts.flush.working();
  settings.flush_timeout = options->flush.flush_timeout;
  settings.durability = journal::to_string(options->durability);
  settings.buffered = options->mode == engine::Mode::buffer;
  settings.shards = static_cast<unsigned>(from.probes.shards.size());
  return now;
}

Json profile_data(const metrics::Situation& situation, const MemoryUse& peaks) {
  const auto& summary = situation.summary;
  const auto findings = find_bottlenecks(situation);
  const auto busiest = busiest_component(summary);
  Json data = {{"duration", in_seconds(summary.covers)},
               {"messages", summary.messages},
               {"queries", summary.queries},
               {"components", components_json(summary)},
               {"threads", threads_json(summary)},
               {"memory_peaks",
                {{"accounted_bytes", peaks.accounted_bytes},
                 {"resident_bytes", peaks.resident_bytes ? Json(*peaks.resident_bytes) : Json(nullptr)}}}};
  data["busiest_component"] = busiest == TimedComponent::count ? Json(nullptr) : Json(to_string(busiest));
  data["bottleneck"] = findings.empty() ? "none" : to_string(findings.front().what);
  data["suggestion"] = findings.empty() ? Json(nullptr) : finding_json(findings.front());
  data["findings"] = Json::array();
  for (const auto& finding : findings) data["findings"].push_back(finding_json(finding));
  return data;
}

std::vector<CapacityCheck> capacity_checks(const StatusSources& from, const metrics::Summary& summary) {
  const auto or_null = [](const std::optional<double>& value) {
    return value ? Json(*value) : Json(nullptr);
  };
  const auto outlook = metrics::foresee(summary, from.window.capacity().buffer_limit_bytes);
  std::vector<CapacityCheck> checks;
  checks.push_back({"time_to_full", or_null(outlook.seconds_to_full), "s", true,
                    outlook.seconds_to_full ? "until the buffers are full, as they grow now" : ""});
  const bool enough = !outlook.headroom || *outlook.headroom >= 0;
  checks.push_back(
      {"headroom_at_twice_the_load",
       {{"headroom", or_null(outlook.headroom)},
        {"at_twice_the_load", or_null(outlook.at_twice_the_load)},
        {"busiest", outlook.busiest.empty() ? Json(nullptr) : Json(outlook.busiest)},
        {"shard", or_null(summary.shard_utilization)},
        {"journal", or_null(summary.journal_utilization)},
        {"flush", or_null(summary.worker_utilization)}},
       "share",
       enough,
       enough ? ""
              : "twice the load would not fit: " + std::string(outlook.busiest) + " threads are busiest"});
  return checks;
}

Json history_data(const std::vector<metrics::WindowHistory::Row>& rows, const metrics::Options& options,
                  const metrics::HistoryMetric* metric) {
  Json units = Json::object(), list = Json::array();
  std::vector<const metrics::HistoryMetric*> wanted;
  for (const auto& one : metrics::history_metrics()) {
    if (metric && metric->name != one.name) continue;
    wanted.push_back(&one);
    units[std::string(one.name)] = one.unit;
  }
  for (const auto& row : rows) {
    Json entry = {{"time", to_iso8601(row.end)}, {"seconds", in_seconds(row.summary.covers)}};
    for (const auto* one : wanted) {
      const auto value = one->read(row.summary);
      entry[std::string(one->name)] = value ? Json(*value) : Json(nullptr);
    }
    list.push_back(std::move(entry));
  }
  return {{"collection_interval", in_seconds(options.collection_interval)},
          {"aggregation_window", in_seconds(options.aggregation_window)},
          {"retention_period", in_seconds(options.retention_period)},
          {"units", std::move(units)},
          {"rows", std::move(list)}};
}

}  // namespace holdfast::http
