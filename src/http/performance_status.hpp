// What was measured of the daemon's work, in the words of the profile, the history and the health document.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "holdfast/http/status.hpp"
#include "holdfast/metrics/bottleneck.hpp"
#include "holdfast/metrics/summary.hpp"

namespace holdfast::http {

// The summary with what the rules of bottleneck.hpp need beside it, as it is now.
metrics::Situation situation_of(const StatusSources& from, metrics::Summary summary);

// Components, threads, the bottleneck and what to change.
nlohmann::ordered_json profile_data(const metrics::Situation& situation, const MemoryUse& peaks);

struct CapacityCheck {
  const char* what;
  nlohmann::ordered_json observed;
  const char* unit;
  bool enough = true;
  std::string output;
};
// Time to full and headroom at twice the load (metrics/outlook.hpp).
std::vector<CapacityCheck> capacity_checks(const StatusSources& from, const metrics::Summary& summary);

// metric: this one alone; nullptr: all.
nlohmann::ordered_json history_data(const std::vector<metrics::WindowHistory::Row>& rows,
                                    const metrics::Options& options, const metrics::HistoryMetric* metric);

}  // namespace holdfast::http
