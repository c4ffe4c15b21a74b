// What was measured of the daemon's work, in the words of the profile.
#pragma once

#include <nlohmann/json.hpp>

#include "holdfast/http/status.hpp"
#include "holdfast/metrics/bottleneck.hpp"
#include "holdfast/metrics/summary.hpp"

namespace holdfast::http {

// The summary with what the rules of bottleneck.hpp need beside it, as it is now.
metrics::Situation situation_of(const StatusSources& from, metrics::Summary summary);

// Components, threads, the bottleneck and what to change.
nlohmann::ordered_json profile_data(const metrics::Situation& situation);

}  // namespace holdfast::http
