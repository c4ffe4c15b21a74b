// How a figure drifts over a long run.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

namespace loadtest {

struct Trend {
  double per_hour = 0;  // slope of the least-squares line
  double at_begin = 0;  // value of that line at the first and at the last point
  double at_end = 0;
};

struct Spread {
  double least = 0, median = 0, most = 0;
};

// Least squares over (seconds, value). Nothing with fewer than two different times.
std::optional<Trend> fit_trend(const std::vector<std::pair<double, double>>& points);

// The trend of one field of a run's series, its first `leave_out` share left out (caches and allocators fill
// up then).
std::optional<Trend> trend_of(const nlohmann::json& series, const std::string& field, double leave_out);

// Of one field in the same part; nothing without a value.
std::optional<Spread> spread_of(const nlohmann::json& series, const std::string& field, double leave_out);

}  // namespace loadtest
