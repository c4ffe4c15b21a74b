#include "calibration.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "results.hpp"
#include "scenario.hpp"

namespace loadtest {
namespace {

using Json = nlohmann::json;
using testing::HasSubstr;
using testing::Not;

TEST(Calibration, DerivesEachLevelAndSaysHow) {
  auto beyond = a_step("requests_per_minute 600", a_run(900, 900));
  beyond["broken"] = true;
  auto for_a_while = a_step("requests_per_minute 300", a_run(500, 8));
  for_a_while["median"]["indicators"]["stored_messages"] = 4000;  // of 5000
  const auto yaml = calibrate(
      {a_result("balanced", Json::array({a_step("", a_run(100, 8))})),
       a_result("stress",
                Json::array({a_step("requests_per_minute 100", a_run(100, 8)), for_a_while, beyond})),
       a_result("query_cached_cold", Json::array({a_step("repeated_queries 0", a_run(10, 80)),
                                                  a_step("repeated_queries 1", a_run(100, 8))}))});
  // Half, 0.7 and 0.85 of 6000 messages a minute. What was taken faster than it was stored does not count,
  // nor does the broken step.
  EXPECT_THAT(yaml, HasSubstr("    target: 3000\n    warning: 4200\n    critical: 5100\n"));
  EXPECT_THAT(yaml, HasSubstr("HighLoad  # the warning value of throughput\n"));
  EXPECT_THAT(yaml, HasSubstr("messages_per_minute:rate5m > 4200'\n"));
  EXPECT_THAT(yaml, HasSubstr("'instance:holdfast_error_rate:rate5m > 0.01'\n"));
  EXPECT_THAT(yaml, HasSubstr("'instance:holdfast_error_rate:rate5m > 0.05'\n"));
  // p95 of 4 ms: 8, 20 and 80, up to the ends of buckets.
  EXPECT_THAT(yaml,
              HasSubstr("    metric: p95_latency_ms\n    target: 10\n    warning: 25\n    critical: 100\n"));
  EXPECT_THAT(yaml, HasSubstr("{operation=\"write\"} > 0.025'"));
  // Peak 40 MiB, limit 1 GiB.
  EXPECT_THAT(yaml, HasSubstr("    target: 50\n    warning: 80\n    critical: 921.6\n"));
  // 0.1 · 20 / (20 − 2) = 0.111.
  EXPECT_THAT(yaml, HasSubstr("    target: 0.3333\n    warning: 0.2222\n    critical: 0.1111\n"));
  EXPECT_THAT(yaml, Not(HasSubstr("not_measured")));
}

TEST(Calibration, NamesWhatToRunForTheRest) {
  const auto yaml = calibrate({a_result("balanced", Json::array({a_step("", a_run(100, 8))}))});
  EXPECT_THAT(yaml, HasSubstr("not_measured:\n  throughput: run scenario stress\n"));
  EXPECT_THAT(yaml, HasSubstr("  cache_hit_rate: run scenario query_cached_cold\n"));
}

TEST(Calibration, NothingToDeriveFromIsRefused) {
  EXPECT_THROW(calibrate({a_result("single_client", Json::array())}), BadInput);
}

}  // namespace
}  // namespace loadtest
