// What the memory monitor knows, in the words of the health document and of the statistics.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "holdfast/memory/pressure.hpp"
#include "holdfast/memory/watch.hpp"
#include "holdfast/metrics/component_trends.hpp"
#include "holdfast/metrics/memory_estimate.hpp"
#include "holdfast/metrics/probes.hpp"
#include "holdfast/service/memory_service.hpp"

namespace holdfast::http {

struct MemoryCheck {
  const char* component;
  double observed = 0;
  const char* unit;
  memory::Level level;  // that this reading alone makes
  std::string output;   // what it is, and its limit with where that comes from
};

// One check for each signal that can be read.
std::vector<MemoryCheck> memory_checks(const memory::Report& report);

// For the statistics: components, limits, and how often each action was taken.
nlohmann::ordered_json memory_summary(const memory::Report& report, const metrics::Probes& probes,
                                      const memory::Pressure& pressure);

// What takes the memory, where it is going, and which setting to change. bounds: what everything may take.
// present_value: of a setting.
nlohmann::ordered_json memory_analysis(const memory::Report& report, const metrics::Probes& probes,
                                       const metrics::Trends& trends, const metrics::Bounds& bounds,
                                       std::span<const service::LargeUser> users,
                                       const std::function<std::string(std::string_view)>& present_value);

}  // namespace holdfast::http
