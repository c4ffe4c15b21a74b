#include "report.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "line_chart.hpp"
#include "results.hpp"

namespace loadtest {
namespace {

using Json = nlohmann::json;
using testing::HasSubstr;
using testing::Key;
using testing::UnorderedElementsAre;

TEST(Report, FillsTheTablesAndMarksWhatWasNotMeasured) {
  const auto made = make_report({a_result("balanced", Json::array({a_step("", a_run(100, 8))}))});
  EXPECT_THAT(made.markdown,
              HasSubstr("| balanced | 2026-01-01T00:00:00Z | abc | 1 | 10 | x | 2 | ext4 | Linux | 0.2 |"));
  EXPECT_THAT(made.markdown, HasSubstr("| balanced | 100 | 200 | 2 | 2 | 40 | 0.5 | 50 % | 0 % |"));
  EXPECT_THAT(made.markdown, HasSubstr("| low_latency | – | – | – | – | – | – | – | – |"));
  EXPECT_THAT(made.markdown, HasSubstr("| p99 | 8 | – | – | – |"));
  EXPECT_THAT(made.markdown, HasSubstr("| token count | – | – | not exported |"));
  EXPECT_THAT(made.markdown, HasSubstr("## Stress\n\nNot measured."));
  EXPECT_THAT(made.markdown, HasSubstr("## Endurance\n\nNot measured."));
  EXPECT_THAT(made.charts, UnorderedElementsAre(Key("latency.svg")));
}

TEST(Report, ComparesBufferAndBypassByUsers) {
  auto bypass = a_run(50, 4);
  bypass["daemon"]["resident_mb"]["peak"] = 30;
  const auto made = make_report({a_result(
      "users_1_5_10_20_50_100",
      Json::array({a_step("users 5, bypass false", a_run(100, 8)), a_step("users 5, bypass true", bypass),
                   a_step("users 50, bypass false", a_run(300, 8))}))});
  EXPECT_THAT(made.markdown, HasSubstr("| 5 | 6000 | 3000 | 1.6 | 0.8 | 40 | 30 | 10 |"));
  EXPECT_THAT(made.markdown, HasSubstr("| 50 | 18000 | – | 1.6 | – | 40 | – | – |"));
  EXPECT_THAT(made.markdown, HasSubstr("![Throughput by concurrent users](users_throughput.svg)"));
  EXPECT_TRUE(made.charts.contains("users_memory.svg"));
}

TEST(Report, SaysWhereTheStressBreaks) {
  auto broken = a_step("requests_per_minute 600", a_run(90, 900));
  broken["broken"] = true;
  const auto made = make_report(
      {a_result("stress", Json::array({a_step("requests_per_minute 100", a_run(100, 8)), broken}))});
  EXPECT_THAT(made.markdown, HasSubstr("| holds |"));
  EXPECT_THAT(made.markdown, HasSubstr("| broken |"));
  EXPECT_THAT(made.markdown, HasSubstr("Broken means"));
}

TEST(Report, EnduranceHasTheSlopeOfMemory) {
  const auto made = make_report({a_result("endurance", Json::array({a_step("", a_run(100, 8))}))});
  EXPECT_THAT(made.markdown, HasSubstr("| 10 | 100 | 7200 | "));  // 2 MiB a second
  EXPECT_TRUE(made.charts.contains("endurance_memory.svg"));
}

TEST(LineChart, DrawsEachLineAndEscapesNames) {
  const auto svg =
      to_svg({"a < b", "x", "y", false, {}, {{"one & two", {{0, 1}, {10, 3}}}, {"three", {{5, 2}}}}});
  EXPECT_TRUE(svg.starts_with("<svg xmlns="));
  EXPECT_TRUE(svg.ends_with("</svg>\n"));
  EXPECT_THAT(svg, HasSubstr(">a &lt; b<"));
  EXPECT_THAT(svg, HasSubstr(">one &amp; two<"));
  // The y axis ends at 5, 262 units above its foot at 306.
  EXPECT_THAT(svg, HasSubstr("points=\"80.0,253.6 740.0,148.8 \""));
}

TEST(LineChart, WithoutPointsThereIsNone) {
  EXPECT_EQ(to_svg({"t", "x", "y", false, {}, {{"empty", {}}}}), "");
  EXPECT_EQ(to_svg({"t", "x", "y", true, {}, {{"zero has no logarithm", {{1, 0}}}}}), "");
}

}  // namespace
}  // namespace loadtest
