#include "recorder.hpp"

#include <gtest/gtest.h>

#include "daemon_metrics.hpp"

namespace loadtest {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(Recorder, LeavesTheWarmUpOut) {
  Recorder recorder(Time{seconds(1)}, 1);
  recorder.answered(Operation::add, Time{}, Time{}, Time{seconds(2)}, 201);
  EXPECT_EQ(recorder.all(), 0u);
}

TEST(Recorder, CountsOnlyGoodAnswersInRatesAndEveryLatencyFromTheDueTime) {
  Recorder recorder(Time{}, 4);
  recorder.answered(Operation::add, Time{}, Time{milliseconds(3)}, Time{milliseconds(5)}, 201);
  recorder.answered(Operation::add, Time{}, Time{}, Time{milliseconds(1)}, 429);
  recorder.answered(Operation::query, Time{}, Time{}, Time{milliseconds(1)}, 0);
  recorder.unsent(Operation::add, Time{}, Time{seconds(1)});
  const auto summary = recorder.summary(2);
  EXPECT_EQ(summary["messages_per_second"], 2.0);
  EXPECT_EQ(summary["messages_per_minute"], 120.0);
  EXPECT_EQ(summary["requests_per_second"], 0.5);
  EXPECT_EQ(summary["errors"], (nlohmann::json{{"429", 1}, {"connection", 1}}));
  EXPECT_EQ(summary["unsent"], 1);
  EXPECT_EQ(summary["error_share"], 0.75);
  EXPECT_EQ(summary["operations"]["add"]["latency_ms"]["count"], 3);
  EXPECT_EQ(summary["operations"]["add"]["latency_ms"]["max"], 1000.0);
  EXPECT_EQ(summary["worst_p99_ms"], 1000.0);
  EXPECT_EQ(summary["send_delay_ms"]["p99"], 3.0);
  EXPECT_FALSE(summary["operations"].contains("list"));
}

TEST(Recorder, IntervalsHaveTheirOwnPercentile) {
  Recorder recorder(Time{}, 1);
  recorder.answered(Operation::add, Time{}, Time{}, Time{milliseconds(8)}, 201);
  EXPECT_EQ(recorder.close_interval(Time{seconds(1)})["p99_ms"], 8.0);
  recorder.answered(Operation::add, Time{seconds(1)}, Time{seconds(1)}, Time{milliseconds(1002)}, 201);
  const auto second = recorder.close_interval(Time{seconds(3)});
  EXPECT_EQ(second["p99_ms"], 2.0);
  EXPECT_EQ(second["per_second"], 0.5);
  EXPECT_EQ(second["t"], 3.0);
}

TEST(DaemonMetrics, ComponentsAreDifferencesOfTwoReadings) {
  const auto before = parse_metrics(
      "# HELP x y\nholdfast_write_duration_seconds_count 10\n"
      "holdfast_write_duration_seconds_sum 1\n");
  const auto after = parse_metrics(
      "holdfast_write_duration_seconds_count 30\nholdfast_write_duration_seconds_sum 1.5\n"
      "holdfast_cache_lookups_total{outcome=\"hit\"} 3\n"
      "holdfast_cache_lookups_total{outcome=\"miss\"} 1\n");
  const auto components = component_latencies(before, after);
  EXPECT_DOUBLE_EQ(components["write request"]["mean_ms"].get<double>(), 25);
  EXPECT_EQ(components["write request"]["count"], 20.0);
  EXPECT_TRUE(components["token count"]["metric"].is_null());
  EXPECT_TRUE(components["token count"]["mean_ms"].is_null());
  EXPECT_EQ(cache_hit_rate(before, after), 0.75);
  EXPECT_TRUE(cache_hit_rate(after, after).is_null());
}

}  // namespace
}  // namespace loadtest
