// The daemon's own figures, from its GET /metrics (the Prometheus text format 0.0.4).
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>

namespace loadtest {

// "name{label="value"}" as written → value. Lines that are not samples are left out.
using MetricSamples = std::map<std::string, double>;
MetricSamples parse_metrics(const std::string& text);

// What each part of the write and the query path took between two readings, for the seed's component tables:
// {component: {metric, count, mean_ms}}; mean_ms is null when nothing happened, metric when the daemon does
// not export this component.
nlohmann::json component_latencies(const MetricSamples& before, const MetricSamples& after);

// Hits of all lookups between two readings; null when there were none.
nlohmann::json cache_hit_rate(const MetricSamples& before, const MetricSamples& after);

// Counters and gauges that the calibration wants: transfers, sizes of groups and batches, flush success,
// buffer and cache use.
nlohmann::json indicators(const MetricSamples& before, const MetricSamples& after);

}  // namespace loadtest
