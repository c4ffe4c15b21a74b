// Wilson's interval against values worked out by hand (and by R's prop.test without continuity correction).
#include "holdfast/metrics/proportion.hpp"

#include <gtest/gtest.h>

namespace holdfast::metrics {
namespace {

TEST(WilsonInterval, KnowsNothingWithoutTrials) {
  EXPECT_EQ(wilson_interval(0, 0).low, 0);
  EXPECT_EQ(wilson_interval(0, 0).high, 1);
}

TEST(WilsonInterval, IsWilsons) {
  EXPECT_NEAR(wilson_interval(2, 100).low, 0.0055, 1e-4);
  EXPECT_NEAR(wilson_interval(2, 100).high, 0.0700, 1e-4);
  EXPECT_NEAR(wilson_interval(5, 10).low, 0.2366, 1e-4);
  EXPECT_NEAR(wilson_interval(5, 10).high, 0.7634, 1e-4);
}

TEST(WilsonInterval, StaysWithinZeroAndOne) {
  EXPECT_EQ(wilson_interval(0, 10).low, 0);
  EXPECT_NEAR(wilson_interval(0, 10).high, 0.2775, 1e-4);
  EXPECT_EQ(wilson_interval(10, 10).high, 1);
}

}  // namespace
}  // namespace holdfast::metrics
