// From measured baselines to alert thresholds and to the target, warning and critical value of each
// indicator.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace loadtest {

// YAML: `kpis` and `alerts`, each value with its derivation as a comment. An indicator whose scenario is
// missing in the results is listed under `not_measured` with what to run. Throws BadInput when nothing could
// be derived.
std::string calibrate(const std::vector<nlohmann::json>& results);

}  // namespace loadtest
