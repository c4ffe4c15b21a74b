#include "calibration.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string>
#include <utility>

#include "result_file.hpp"
#include "scenario.hpp"

namespace loadtest {
namespace {

using Json = nlohmann::json;
using Results = std::vector<Json>;
using Value = std::optional<double>;

// Shares of what was measured that a service should stay below. Half the capacity: the seed plans for twice
// the load.
constexpr double kTargetLoad = 0.5, kWarningLoad = 0.7, kCriticalLoad = 0.85;
// Times of what was measured. A latency is quiet until it doubles: the runs themselves vary by that much.
constexpr double kTargetTimes = 2, kWarningTimes = 5, kCriticalTimes = 20;
constexpr double kMemoryTargetTimes = 1.25, kMemoryWarningTimes = 2, kMemoryCriticalShare = 0.9;
// The upper ends of the daemon's latency buckets in ms: a threshold between two of them would be an
// interpolation.
constexpr double kBucketsMs[] = {0.1, 0.25, 0.5, 1,   2.5,  5,    10,   25,
                                 50,  100,  250, 500, 1000, 2500, 5000, 10000};
constexpr double kLeastErrorShare = 0.001;
constexpr double kKeptUp = 0.9;  // of what came was stored while it came

double bucket_above(double ms) {
  const auto* found = std::lower_bound(std::begin(kBucketsMs), std::end(kBucketsMs), ms);
  return found == std::end(kBucketsMs) ? kBucketsMs[std::size(kBucketsMs) - 1] : *found;
}

std::string written(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.4g", value);
  if (std::string(text).find('e') != std::string::npos) std::snprintf(text, sizeof text, "%.0f", value);
  return text;
}

struct Levels {
  double target, warning, critical;
};

class Writer {
 public:
  explicit Writer(const Results& results) : results_(results) {}

  std::string write() {
    system();
    write_buffer();
    query_buffer();
    if (kpis_.empty())
      throw BadInput("calibrate: the results hold none of the scenarios balanced, stress, query_cached_cold");
    std::string made =
        "# Derived by holdfast-loadtest calibrate from measured results. Each comment is the derivation.\n";
    made += "kpis:\n" + kpis_;
    if (!alerts_.empty()) made += "alerts:\n" + alerts_;
    if (!missing_.empty()) made += "not_measured:\n" + missing_;
    return made;
  }

 private:
  static Value at(const Json* step, const std::string& pointer) {
    return step ? number_at((*step)["median"], pointer) : std::nullopt;
  }

  void kpi(const std::string& name, const std::string& metric, const Levels& levels,
           const std::string& derivation) {
    kpis_ += "  " + name + ":  # " + derivation + "\n    metric: " + metric +
             "\n    target: " + written(levels.target) + "\n    warning: " + written(levels.warning) +
             "\n    critical: " + written(levels.critical) + "\n";
  }

  void alert(const std::string& name, const std::string& expression, const std::string& derivation) {
    alerts_ += "  - alert: " + name + "  # " + derivation + "\n    expr: '" + expression + "'\n";
  }

  void missing(const std::string& indicator, const std::string& scenario) {
    missing_ += "  " + indicator + ": run scenario " + scenario + "\n";
  }

  void latency(const std::string& kpi_name, const std::string& operation, const Json* step,
               const std::string& scenario) {
    const auto p95 = at(
        step, "/operations/" + (operation == "write" ? std::string("add") : operation) + "/latency_ms/p95");
    if (!p95) return missing(kpi_name, scenario);
    const Levels levels{bucket_above(*p95 * kTargetTimes), bucket_above(*p95 * kWarningTimes),
                        bucket_above(*p95 * kCriticalTimes)};
    const auto derivation = "p95 of " + scenario + " is " + written(*p95) + " ms; times " +
                            written(kTargetTimes) + ", " + written(kWarningTimes) + " and " +
                            written(kCriticalTimes) + ", up to the next bucket";
    kpi(kpi_name, "p95_latency_ms", levels, derivation);
    alert("HighBufferLatency",
          "instance:holdfast_latency_p95_seconds:rate5m{operation=\"" + operation + "\"} > " +
              written(levels.warning / 1000),
          "the warning value of " + kpi_name);
  }

  // Messages a minute at the last step of the stress that held and that was stored as fast as it came: more
  // than that can be taken for a while, not for ever.
  Value capacity() const {
    Value best;
    for (const auto& result : results_) {
      if (result["scenario"] != "stress") continue;
      for (const auto& step : result["steps"]) {
        const auto& median = step["median"];
        const auto rate = number_at(median, "/messages_per_minute"), seconds = number_at(median, "/seconds");
        const auto stored = number_at(median, "/indicators/stored_messages");
        if (step["broken"] == true || !rate || !seconds || !stored) break;
        if (*stored < kKeptUp * *rate / 60 * *seconds) break;
        if (rate > best) best = rate;
      }
    }
    return best;
  }

  void system() {
    if (const auto most = capacity()) {
      kpi("throughput", "messages_per_minute",
          {*most * kTargetLoad, *most * kWarningLoad, *most * kCriticalLoad},
          "load that it should stay below: " + written(100 * kTargetLoad) + ", " +
              written(100 * kWarningLoad) + " and " + written(100 * kCriticalLoad) + " % of the " +
              written(*most) +
              " a minute of the last stress step that held and was stored as fast as it came");
      alert("HighLoad",
            "instance:holdfast_throughput_messages_per_minute:rate5m > " + written(*most * kWarningLoad),
            "the warning value of throughput");
    } else {
      missing("throughput", "stress");
    }
    const auto* balanced = find_step(results_, "balanced");
    latency("latency", "write", balanced, "balanced");
    const auto resident = at(balanced, "/daemon/resident_mb/peak");
    const auto limit = at(balanced, "/indicators/memory_limit_bytes");
    if (resident && limit) {
      kpi("memory_usage", "memory_mb",
          {*resident * kMemoryTargetTimes, *resident * kMemoryWarningTimes,
           *limit / (1 << 20) * kMemoryCriticalShare},
          "peak of balanced is " + written(*resident) + " MiB; times " + written(kMemoryTargetTimes) +
              " and " + written(kMemoryWarningTimes) + "; critical is " +
              written(100 * kMemoryCriticalShare) + " % of the machine's limit");
      alert("HighMemoryUsage",
            "holdfast_memory_usage_bytes / holdfast_memory_limit_bytes > " + written(kMemoryCriticalShare),
            "the critical value of memory_usage, as a share");
    } else {
      missing("memory_usage", "balanced");
    }
    if (const auto errors = at(balanced, "/error_share")) {
      const double base = std::max(*errors, kLeastErrorShare);
      kpi("error_rate", "error_percentage", {100 * base, 1000 * base, 5000 * base},
          "balanced failed " + written(100 * *errors) + " %; at least " + written(100 * kLeastErrorShare) +
              " % as target, 10 and 50 times that");
      for (const auto& [times, level] : {std::pair(10, "warning"), std::pair(50, "critical")}) {
        alert("HighErrorRate", "instance:holdfast_error_rate:rate5m > " + written(times * base),
              std::string("the ") + level + " value of error_rate, as a share");
      }
    } else {
      missing("error_rate", "balanced");
    }
  }

  void write_buffer() {
    const auto* balanced = find_step(results_, "balanced");
    const auto rounds = at(balanced, "/indicators/transferred_rounds"), seconds = at(balanced, "/seconds");
    if (rounds && seconds && *rounds > 0) {
      const double rate = *rounds / *seconds;
      kpi("transfer_rate", "rounds_per_second",
          {rate * kTargetLoad, rate * kWarningLoad, rate * kCriticalLoad},
          "load that it should stay below: shares of the " + written(rate) +
              " rounds/s of balanced, a closed loop");
    } else {
      missing("transfer_rate", "balanced");
    }
    if (const auto used = at(balanced, "/indicators/buffer_utilization")) {
      kpi("buffer_utilization", "share", {std::min(0.5, std::max(0.1, 2 * *used)), 0.7, 0.9},
          "at the end of balanced " + written(*used) +
              "; twice that, from 0.1 to 0.5; warning leaves 30 % for an outage of the store");
      alert("BuffersNearlyFull", "holdfast_buffer_utilization > 0.7",
            "the warning value of buffer_utilization");
    }
    if (const auto success = at(balanced, "/indicators/flush_success_rate")) {
      kpi("flush_success_rate", "share", {std::min(*success, 0.999), 0.99, 0.9},
          "balanced had " + written(*success) +
              "; each failed write is tried again, so one in ten is an outage");
      alert("FlushFailing", "instance:holdfast_flush_success_rate:rate5m < 0.9",
            "the critical value of flush_success_rate");
    } else {
      missing("flush_success_rate", "balanced, for longer than a flush takes");
    }
  }

  void query_buffer() {
    const auto* cached = find_step(results_, "query_cached_cold", {"repeated_queries 1"});
    const auto* cold = find_step(results_, "query_cached_cold", {"repeated_queries 0"});
    latency("query_latency", "query", cold, "query_cached_cold");
    const auto fast = at(cached, "/operations/query/latency_ms/mean"),
               slow = at(cold, "/operations/query/latency_ms/mean");
    if (fast && slow && *slow > *fast) {
      // A hit saves slow − fast; at this rate the cache takes a tenth off the mean.
      const double least = std::clamp(0.1 * *slow / (*slow - *fast), 0.05, 0.5);
      kpi("cache_hit_rate", "share", {std::min(3 * least, 0.9), 2 * least, least},
          "a hit takes " + written(*fast) + " ms, a search " + written(*slow) + " ms: below " +
              written(least) + " the cache saves less than a tenth of the time; 3 and 2 times that");
      alert("LowCacheHitRate",
            "instance:holdfast_cache_hit_rate:rate5m < " + written(least) +
                " and on (job, instance) instance:holdfast_cache_lookups:rate5m >= 0.2",
            "the critical value of cache_hit_rate, where there are lookups");
    } else {
      missing("cache_hit_rate", "query_cached_cold");
    }
    if (const auto bytes = at(cached, "/indicators/cache_bytes"); bytes && *bytes > 0) {
      const double mb = *bytes / (1 << 20);
      kpi("cache_memory", "memory_mb", {mb * kTargetTimes, mb * kWarningTimes, mb * kCriticalTimes},
          "the cached queries took " + written(mb) + " MiB; times " + written(kTargetTimes) + ", " +
              written(kWarningTimes) + " and " + written(kCriticalTimes));
    } else {
      missing("cache_memory", "query_cached_cold");
    }
  }

  const Results& results_;
  std::string kpis_, alerts_, missing_;
};

}  // namespace

std::string calibrate(const std::vector<Json>& results) {
  return Writer(results).write();
}

}  // namespace loadtest
