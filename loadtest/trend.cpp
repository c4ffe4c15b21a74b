#include "trend.hpp"

#include <algorithm>

namespace loadtest {
namespace {

std::vector<std::pair<double, double>> points_of(const nlohmann::json& series, const std::string& field,
                                                 double leave_out) {
  std::vector<std::pair<double, double>> points;
  if (series.empty()) return points;
  const double from = series.back().at("t").get<double>() * leave_out;
  for (const auto& point : series) {
    if (point.at("t") >= from && point.contains(field) && point[field].is_number()) {
      points.emplace_back(point.at("t"), point[field]);
    }
  }
  return points;
}

}  // namespace

std::optional<Trend> fit_trend(const std::vector<std::pair<double, double>>& points) {
  if (points.size() < 2) return std::nullopt;
  const auto n = static_cast<double>(points.size());
  double mean_t = 0, mean_v = 0, covariance = 0, variance = 0;
  for (const auto& [t, v] : points) mean_t += t / n, mean_v += v / n;
  for (const auto& [t, v] : points) {
    covariance += (t - mean_t) * (v - mean_v);
    variance += (t - mean_t) * (t - mean_t);
  }
  if (variance == 0) return std::nullopt;
  const double slope = covariance / variance;
  return Trend{slope * 3600, mean_v + slope * (points.front().first - mean_t),
               mean_v + slope * (points.back().first - mean_t)};
}

std::optional<Trend> trend_of(const nlohmann::json& series, const std::string& field, double leave_out) {
  return fit_trend(points_of(series, field, leave_out));
}

std::optional<Spread> spread_of(const nlohmann::json& series, const std::string& field, double leave_out) {
  std::vector<double> values;
  for (const auto& [time, value] : points_of(series, field, leave_out)) values.push_back(value);
  if (values.empty()) return std::nullopt;
  std::sort(values.begin(), values.end());
  return Spread{values.front(), values[values.size() / 2], values.back()};
}

}  // namespace loadtest
