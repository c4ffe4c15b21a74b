// Results made by hand, in the shape that a run writes.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace loadtest {

inline nlohmann::json a_run(double per_second, double p99) {
  const auto latency =
      nlohmann::json{{"count", 100},   {"mean", p99 / 4}, {"p50", p99 / 5}, {"p90", p99 / 3},
                     {"p95", p99 / 2}, {"p99", p99},      {"max", 2 * p99}, {"buckets", {{p99, 100}}}};
  const nlohmann::json operation{{"good", 100}, {"per_second", per_second}, {"latency_ms", latency}};
  return {{"seconds", 10},
          {"operations", {{"add", operation}, {"query", operation}}},
          {"requests_per_second", 2 * per_second},
          {"messages_per_second", per_second},
          {"messages_per_minute", 60 * per_second},
          {"error_share", 0.0},
          {"worst_p99_ms", p99},
          {"cache_hit_rate", 0.5},
          {"generator", {{"cpu_cores", 0.3}}},
          {"daemon",
           {{"resident_mb", {{"start", 20}, {"peak", 40}, {"end", 30}}},
            {"cpu_cores", {{"mean", 0.5}, {"peak", 0.9}}}}},
          {"components", {{"token count", {{"metric", nullptr}, {"count", 0}, {"mean_ms", nullptr}}}}},
          {"indicators",
           {{"transferred_rounds", 1000},
            {"stored_messages", 10 * per_second},
            {"flush_success_rate", 1.0},
            {"buffer_utilization", 0.05},
            {"cache_bytes", 1 << 20},
            {"memory_limit_bytes", 1ull << 30}}},
          {"series",
           {{{"t", 1}, {"p99_ms", 1}, {"resident_mb", 20}, {"per_second", 5}},
            {{"t", 2}, {"p99_ms", 1}, {"resident_mb", 22}, {"per_second", 5}},
            {{"t", 3}, {"p99_ms", 2}, {"resident_mb", 24}, {"per_second", 5}}}}};
}

inline nlohmann::json a_step(const std::string& name, const nlohmann::json& run) {
  return {{"step", name},
          {"config", {{"loop", "closed"}, {"users", 60}, {"requests_per_minute", 100}}},
          {"broken", false},
          {"runs", {run}},
          {"median", run}};
}

inline nlohmann::json a_result(const std::string& scenario, const nlohmann::json& steps) {
  return {{"format", 1},
          {"scenario", scenario},
          {"about", ""},
          {"date", "2026-01-01T00:00:00Z"},
          {"commit", "abc"},
          {"machine",
           {{"cpu", "x"}, {"cores", 2}, {"filesystem", "ext4"}, {"kernel", "Linux"}, {"load_average", 0.2}}},
          {"quick", false},
          {"steps", steps}};
}

}  // namespace loadtest
