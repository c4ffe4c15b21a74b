#include "memory_status.hpp"

#include <algorithm>

#include "holdfast/metrics/accounted.hpp"
#include "holdfast/metrics/memory_advice.hpp"

namespace holdfast::http {
namespace {

using Json = nlohmann::ordered_json;
using metrics::Component;

Json or_null(const std::optional<double>& value) {
  return value ? Json(*value) : Json(nullptr);
}

Json to_json(const memory::Limit& limit) {
  return {{"bytes", limit.bytes}, {"origin", limit.origin}};
}

Json to_json(const metrics::Trend& trend) {
  return {{"bytes", trend.bytes}, {"growth_bytes_per_second", or_null(trend.bytes_a_second)}};
}

void add_leak(std::string_view component, const metrics::Trend& trend, Json& leaks) {
  if (!trend.leak) return;
  leaks.push_back({{"component", component},
                   {"grown_bytes", *trend.leak},
                   {"text", "the least it held rose through the last " +
                                std::to_string(metrics::ComponentTrends::kCovers.count()) +
                                " s, though what was in it kept leaving"}});
}

Json limits_json(const memory::Limits& limits) {
  return {{"buffers", to_json(limits.buffers)},
          {"process", to_json(limits.process)},
          {"available", to_json(limits.available)}};
}

Json resident_json(const memory::Report& report) {
  return report.readings.resident_bytes ? Json(*report.readings.resident_bytes) : Json(nullptr);
}

Json users_json(std::span<const service::LargeUser> users) {
  Json list = Json::array();
  for (const auto& [memory, name] : users) {
    list.push_back({{"user_id", memory.user_id},
                    {"name", name ? Json(*name) : Json(nullptr)},
                    {"messages", memory.messages},
                    {"buffered_bytes", memory.buffered_bytes},
                    {"cache_bytes", memory.cache_bytes},
                    {"feature_bytes", memory.feature_bytes}});
  }
  return list;
}

}  // namespace

Json memory_summary(const memory::Report& report, const metrics::Probes& probes,
                    const memory::Pressure& pressure) {
  const auto accounted = metrics::read_accounted(probes);
  Json components = Json::object(), actions = Json::object();
  for (std::size_t i = 0; i < accounted.size(); ++i) {
    const auto component = static_cast<Component>(i);
    components[std::string(to_string(component))] = accounted[component];
  }
  for (std::size_t i = 0; i < static_cast<std::size_t>(memory::Action::count); ++i) {
    const auto action = static_cast<memory::Action>(i);
    actions[std::string(to_string(action))] = pressure.counted(action);
  }
  return {{"level", memory::to_string(report.level)}, {"accounted_bytes", metrics::total(accounted)},
          {"components", std::move(components)},      {"resident_bytes", resident_json(report)},
          {"limits", limits_json(report.limits)},     {"actions", std::move(actions)},
          {"unreadable", report.readings.unreadable}};
}

Json memory_analysis(const memory::Report& report, const metrics::Probes& probes,
                     const metrics::Trends& trends, const metrics::Bounds& bounds,
                     std::span<const service::LargeUser> users,
                     const std::function<std::string(std::string_view)>& present_value) {
  const auto accounted = metrics::read_accounted(probes);
  Json components = Json::object(), leaks = Json::array(), signals = Json::array(), advice = Json::array();
  for (std::size_t i = 0; i < accounted.size(); ++i) {
    const auto component = static_cast<Component>(i);
    auto trend = trends.components[component];
    trend.bytes = accounted[component];  // now, not when the monitor looked last
    components[std::string(to_string(component))] = to_json(trend);
    add_leak(to_string(component), trend, leaks);
  }
  add_leak("unaccounted", trends.unaccounted, leaks);
  for (const auto& check : memory_checks(report)) {
    signals.push_back({{"signal", check.component},
                       {"value", check.observed},
                       {"unit", check.unit},
                       {"level", memory::to_string(check.level)},
                       {"text", check.output}});
  }
  std::uint64_t largest = 0;
  for (const auto& user : users) largest = std::max<std::uint64_t>(largest, user.memory.buffered_bytes);
  const auto peak = metrics::estimate_peak(bounds);
  for (const auto& [setting, text] : metrics::suggest(report, accounted, largest, peak)) {
    advice.push_back({{"setting", setting}, {"value", present_value(setting)}, {"text", text}});
  }
  return {{"level", memory::to_string(report.level)},
          {"cause", report.cause ? Json(memory::to_string(*report.cause)) : Json(nullptr)},
          {"resident_bytes", resident_json(report)},
          {"accounted_bytes", metrics::total(accounted)},
          {"estimated_bytes", metrics::estimate_resident(probes)},
          {"estimated_peak_bytes", peak},
          {"components", std::move(components)},
          {"unaccounted", to_json(trends.unaccounted)},
          {"limits", limits_json(report.limits)},
          {"signals", std::move(signals)},
          {"trend",
           {{"covers_seconds", metrics::ComponentTrends::kCovers.count()},
            {"resident_bytes_per_second", or_null(report.resident_growth)},
            {"accounted_bytes_per_second", or_null(report.accounted_growth)},
            {"seconds_to_limit", or_null(report.seconds_to_limit)}}},
          {"fragmentation", or_null(report.fragmentation)},
          {"suspected_leaks", std::move(leaks)},
          {"suggestions", std::move(advice)},
          {"users", users_json(users)},
          {"unreadable", report.readings.unreadable}};
}

std::vector<MemoryCheck> memory_checks(const memory::Report& report) {
  std::vector<MemoryCheck> checks;
  for (std::size_t i = 0; i < static_cast<std::size_t>(memory::Signal::count); ++i) {
    const auto signal = static_cast<memory::Signal>(i);
    const auto& share = report.shares[signal];
    if (!share) continue;
    memory::Shares alone;
    alone[signal] = share;
    checks.push_back({memory::to_string(signal).data(), *share,
                      signal == memory::Signal::available ? "times the minimum" : "share of the limit",
                      memory::judge(alone).level, memory::describe(signal, report)});
  }
  return checks;
}

}  // namespace holdfast::http
