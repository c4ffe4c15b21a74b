#include "holdfast/metrics/component_trends.hpp"

#include <gtest/gtest.h>

namespace holdfast::metrics {
namespace {

using std::chrono::seconds;

constexpr std::uint64_t kMiB = 1u << 20;

class ComponentTrendsTest : public testing::Test {
 protected:
  // Six minutes of a message of a mebibyte a second, into a buffer that gives up all but each `kept`th.
  void run(std::uint64_t kept, std::uint64_t resident_growth) {
    for (std::uint64_t second = 1; second <= 360; ++second) {
      stage_.enter(1, kMiB);
      if (second % kept != 0) stage_.leave(1, kMiB);
      trends_.look(SteadyTime(seconds(second)), 1000 * kMiB + second * resident_growth);
    }
  }

  Probes probes_{2};
  StageProbe& stage_ = probes_.shards[1]->stages[Stage::hybrid_buffer];
  ComponentTrends trends_{probes_};
};

TEST_F(ComponentTrendsTest, ABufferThatKeepsSomeOfWhatPassesIsSuspected) {
  run(10, 0);
  const auto report = trends_.report();
  const auto& trend = report.components[Component::hybrid_buffer];
  EXPECT_EQ(trend.bytes, 36 * (kMiB + kMessageOverhead));
  EXPECT_NEAR(trend.bytes_a_second.value_or(0), kMiB / 10.0, kMiB / 200.0);
  ASSERT_TRUE(trend.leak);
  EXPECT_GE(*trend.leak, 24 * kMiB);
  EXPECT_FALSE(report.components[Component::round_buffer].leak);
  EXPECT_FALSE(report.unaccounted.leak);
}

TEST_F(ComponentTrendsTest, ABufferThatEmptiesIsNot) {
  run(1000, 0);
  EXPECT_FALSE(trends_.report().components[Component::hybrid_buffer].leak);
}

TEST_F(ComponentTrendsTest, ResidentMemoryThatNobodyAccountsForIsSuspectedWhateverLeaves) {
  run(1000, kMiB / 10);
  const auto report = trends_.report();
  EXPECT_TRUE(report.unaccounted.leak);
  EXPECT_NEAR(report.unaccounted.bytes_a_second.value_or(0), kMiB / 10.0, kMiB / 200.0);
  EXPECT_FALSE(report.components[Component::hybrid_buffer].leak);
}

TEST_F(ComponentTrendsTest, ACacheThatFillsIsNot) {
  for (std::uint64_t second = 1; second <= 360; ++second) {
    probes_.shards[0]->query_cache.bytes.set(second * kMiB);
    probes_.shards[0]->responses[Route::query][2].add();
    trends_.look(SteadyTime(seconds(second)), std::nullopt);
  }
  const auto trend = trends_.report().components[Component::query_cache];
  EXPECT_EQ(trend.bytes, 360 * kMiB);
  EXPECT_FALSE(trend.leak);
}

}  // namespace
}  // namespace holdfast::metrics
