#include "compare.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "result_file.hpp"
#include "results.hpp"
#include "scenario.hpp"
#include "trend.hpp"

namespace loadtest {
namespace {

using Json = nlohmann::json;
using testing::HasSubstr;

std::vector<Json> one(const Json& run, const std::string& step = "") {
  return {a_result("balanced", Json::array({a_step(step, run)}))};
}

TEST(Compare, EqualResultsAreNoRegression) {
  const auto comparison = compare(one(a_run(100, 5)), one(a_run(100, 5)), 0);
  EXPECT_TRUE(comparison.regressions.empty());
  EXPECT_EQ(comparison.lines.size(), 7u);  // rate, p50 and p99 of two operations, memory, failures
}

TEST(Compare, BetterIsNoRegression) {
  EXPECT_TRUE(compare(one(a_run(100, 5)), one(a_run(200, 1)), 0).regressions.empty());
}

TEST(Compare, SaysWhichValueGotWorseAndByHowMuch) {
  const auto comparison = compare(one(a_run(100, 5)), one(a_run(80, 5)), 0.1);
  ASSERT_EQ(comparison.regressions.size(), 1u);
  EXPECT_THAT(comparison.regressions[0], HasSubstr("balanced: requests/s: 200 before, 160 now (-20.0 %)"));
  EXPECT_TRUE(compare(one(a_run(100, 5)), one(a_run(91, 5.4)), 0.1).regressions.empty());
  EXPECT_EQ(compare(one(a_run(100, 5)), one(a_run(100, 6)), 0.1).regressions.size(), 4u);
}

TEST(Compare, TheRateOfAnOpenLoopIsGivenAndNotCompared) {
  auto slower = one(a_run(80, 5));
  slower[0]["steps"][0]["config"]["loop"] = "open";
  EXPECT_TRUE(compare(one(a_run(100, 5)), slower, 0.1).regressions.empty());
}

TEST(Compare, FailuresAreComparedByPoints) {
  auto failing = a_run(100, 5);
  failing["error_share"] = 0.2;
  EXPECT_EQ(compare(one(a_run(100, 5)), one(failing), 0.1).regressions.size(), 1u);
}

TEST(Compare, StepsAreMatchedByNameAndNothingInCommonIsRefused) {
  EXPECT_THROW(compare(one(a_run(1, 1), "users 1"), one(a_run(1, 1), "users 5"), 0.1), BadInput);
}

TEST(Compare, SharesAreReadOrRefused) {
  EXPECT_DOUBLE_EQ(parse_share("10%"), 0.1);
  EXPECT_DOUBLE_EQ(parse_share("0.25"), 0.25);
  for (const char* wrong : {"", "x", "10x", "-1"}) EXPECT_THROW(parse_share(wrong), BadInput) << wrong;
}

TEST(ResultFile, MedianIsOfEachNumberAndTheRestOfTheFirst) {
  const Json runs{{{"a", 3}, {"b", {{"c", 1}}}, {"d", nullptr}, {"e", {1, 2}}},
                  {{"a", 1}, {"b", {{"c", 2}}}, {"d", nullptr}, {"e", {3}}},
                  {{"a", 2}, {"b", {{"c", 9}}}, {"d", nullptr}, {"e", {4}}}};
  EXPECT_EQ(median_of(runs), (Json{{"a", 2.0}, {"b", {{"c", 2.0}}}, {"d", nullptr}, {"e", {1, 2}}}));
  EXPECT_EQ(median_of({{{"a", 1}}, {{"a", 2}}}), (Json{{"a", 1.5}}));
}

TEST(Trend, FindsTheLineOfNoisyPoints) {
  std::vector<std::pair<double, double>> points;
  for (int t = 0; t < 100; ++t) points.emplace_back(t, 50 + 0.5 * t + (t % 2 == 0 ? 1 : -1));
  const auto trend = fit_trend(points);
  ASSERT_TRUE(trend);
  EXPECT_NEAR(trend->per_hour, 1800, 10);
  EXPECT_NEAR(trend->at_begin, 50, 0.2);
  EXPECT_NEAR(trend->at_end, 99.5, 0.2);
  EXPECT_FALSE(fit_trend({{1, 1}}));
  EXPECT_FALSE(fit_trend({{1, 1}, {1, 2}}));
}

TEST(Trend, LeavesTheBeginningOut) {
  const Json series{
      {{"t", 0}, {"x", 1000}}, {{"t", 50}, {"x", 10}}, {{"t", 100}, {"x", 10}}, {{"t", 100}, {"x", nullptr}}};
  EXPECT_DOUBLE_EQ(trend_of(series, "x", 0.25)->per_hour, 0);
  EXPECT_FALSE(trend_of(series, "y", 0));
}

TEST(Spread, IsOfTheLaterPart) {
  Json series = Json::array();
  for (int t = 0; t <= 4; ++t) series.push_back({{"t", t}, {"x", t == 0 ? 100 : 10 + t}});
  series.push_back({{"t", 4}, {"x", nullptr}});
  const auto spread = spread_of(series, "x", 0.5);
  ASSERT_TRUE(spread);
  EXPECT_EQ(spread->least, 12);
  EXPECT_EQ(spread->median, 13);
  EXPECT_EQ(spread->most, 14);
  EXPECT_FALSE(spread_of(series, "y", 0.5));
}

}  // namespace
}  // namespace loadtest
