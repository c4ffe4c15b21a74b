#include "memory_status.hpp"

#include "holdfast/metrics/accounted.hpp"

namespace holdfast::http {
namespace {

using Json = nlohmann::ordered_json;
using metrics::Component;
using Accounted = metrics::PerLabel<Component, std::uint64_t>;

// Resident memory that grows this fast, and ten times as fast as what is accounted, is nobody's.
constexpr double kLeakBytesAMinute = 1 << 20;
constexpr double kLeakFactor = 10;

Json or_null(const std::optional<double>& value) {
  return value ? Json(*value) : Json(nullptr);
}

Json to_json(const memory::Limit& limit) {
  return {{"bytes", limit.bytes}, {"origin", limit.origin}};
}

std::optional<std::string> suspected_leak(const memory::Report& report) {
  if (!report.resident_growth || !report.accounted_growth) return std::nullopt;
  const auto resident = *report.resident_growth * 60, accounted = *report.accounted_growth * 60;
  if (resident < kLeakBytesAMinute || resident < kLeakFactor * accounted) return std::nullopt;
  return "resident memory grows by " + std::to_string(static_cast<std::int64_t>(resident) >> 10) +
         " KiB a minute, what is accounted by " + std::to_string(static_cast<std::int64_t>(accounted) / 1024);
}

Json suggestions(const memory::Report& report, const Accounted& accounted) {
  Json list = Json::array();
  if (report.level == memory::Level::normal) return list;
  const auto buffered = accounted[Component::round_buffer] + accounted[Component::hybrid_buffer] +
                        accounted[Component::in_flight];
  const auto sum = metrics::total(accounted);
  if (buffered > sum / 2) {
    list.push_back("buffers hold most of it: see whether the store is slow, or lower memory.max_buffer_mb");
  }
  if (accounted[Component::query_cache] > sum / 4) {
    list.push_back("the query cache holds much of it: lower buffer.query.cache_size");
  }
  if (accounted[Component::requests] > sum / 4) {
    list.push_back("requests hold much of it: lower server.limits.inflight_bytes");
  }
  if (report.cause == memory::Signal::accounted) {
    list.push_back("the limit is " + report.limits.buffers.origin + ": memory.max_buffer_mb raises it");
  } else if (report.cause == memory::Signal::resident) {
    list.push_back("the limit is " + report.limits.process.origin + ": memory.max_process_mb raises it");
  } else if (report.cause) {
    list.push_back(
        "the machine or container is short of memory: give it more, or lower memory.max_buffer_mb");
  }
  return list;
}

}  // namespace

Json memory_statistics(const memory::Report& report, const metrics::Probes& probes,
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
  Json resident = report.readings.resident_bytes ? Json(*report.readings.resident_bytes) : Json(nullptr);
  const auto leak = suspected_leak(report);
  return {{"level", memory::to_string(report.level)},
          {"accounted_bytes", metrics::total(accounted)},
          {"components", std::move(components)},
          {"resident_bytes", std::move(resident)},
          {"limits",
           {{"buffers", to_json(report.limits.buffers)},
            {"process", to_json(report.limits.process)},
            {"available", to_json(report.limits.available)}}},
          {"trend",
           {{"resident_bytes_per_second", or_null(report.resident_growth)},
            {"accounted_bytes_per_second", or_null(report.accounted_growth)},
            {"seconds_to_limit", or_null(report.seconds_to_limit)}}},
          {"suspected_leak", leak ? Json(*leak) : Json(nullptr)},
          {"suggestions", suggestions(report, accounted)},
          {"actions", std::move(actions)},
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
