// The numbers of the history, each by the name it is asked for: what GET /api/v1/metrics/history tells of
// every row.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "holdfast/metrics/summary.hpp"

namespace holdfast::metrics {

struct HistoryMetric {
  std::string_view name;
  std::string_view unit;
  std::optional<double> (*read)(const Summary&);  // nothing: nothing happened that it could be made of
};

// Lives for ever.
std::span<const HistoryMetric> history_metrics();

}  // namespace holdfast::metrics
