// What the memory monitor knows, in the words of the health document and of the statistics.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "holdfast/memory/pressure.hpp"
#include "holdfast/memory/watch.hpp"
#include "holdfast/metrics/probes.hpp"

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

// Components, limits, trend, what looks like a leak, and which setting to change.
nlohmann::ordered_json memory_statistics(const memory::Report& report, const metrics::Probes& probes,
                                         const memory::Pressure& pressure);

}  // namespace holdfast::http
