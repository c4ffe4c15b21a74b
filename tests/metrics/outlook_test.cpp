#include "holdfast/metrics/outlook.hpp"

#include <gtest/gtest.h>

namespace holdfast::metrics {
namespace {

TEST(Outlook, NothingIsKnownOfNothing) {
  const auto outlook = foresee(Summary{}, 1'000);
  EXPECT_FALSE(outlook.seconds_to_full);
  EXPECT_FALSE(outlook.headroom);
  EXPECT_EQ(outlook.busiest, "");
}

TEST(Outlook, TimeToFullIsWhatIsLeftOverHowFastItGoes) {
  Summary summary;
  summary.buffered_bytes = 400;
  summary.buffer_growth = 20;
  EXPECT_EQ(foresee(summary, 1'000).seconds_to_full, 30.0);
  EXPECT_FALSE(foresee(summary, 0).seconds_to_full);  // no limit
  EXPECT_EQ(foresee(summary, 300).seconds_to_full, 0.0);
  summary.buffer_growth = 600.0 / 86'400;
  EXPECT_NEAR(foresee(summary, 1'000).seconds_to_full.value(), 86'400, 1e-6);
  summary.buffer_growth = 600.0 / 86'401;
  EXPECT_FALSE(foresee(summary, 1'000).seconds_to_full);
  summary.buffer_growth = 0;
  EXPECT_FALSE(foresee(summary, 1'000).seconds_to_full);
  summary.buffer_growth = -5;
  EXPECT_FALSE(foresee(summary, 1'000).seconds_to_full);
}

TEST(Outlook, HeadroomIsThatOfTheBusiestThreads) {
  Summary summary;
  summary.shard_utilization = 0.2;
  EXPECT_EQ(foresee(summary, 0).busiest, "shard");
  EXPECT_DOUBLE_EQ(*foresee(summary, 0).headroom, 0.6);
  summary.journal_utilization = 0.6;
  summary.worker_utilization = 0.5;
  const auto outlook = foresee(summary, 0);
  EXPECT_EQ(outlook.busiest, "journal");
  EXPECT_DOUBLE_EQ(*outlook.at_twice_the_load, 1.2);
  EXPECT_NEAR(*outlook.headroom, -0.2, 1e-12);
  summary.worker_utilization = 0.7;
  EXPECT_EQ(foresee(summary, 0).busiest, "flush");
}

}  // namespace
}  // namespace holdfast::metrics
