#include "pacer.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "latency_histogram.hpp"

namespace loadtest {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

struct ManualClock {
  Time now{};
  Clock function() {
    return [this] { return now; };
  }
};

TEST(Pacer, ClosedLoopIsDueNowUntilTheEnd) {
  ManualClock clock;
  Pacer pacer({Time{}, Time{seconds(1)}}, clock.function());
  clock.now = Time{milliseconds(400)};
  EXPECT_EQ(pacer.next()->due, clock.now);
  clock.now = Time{seconds(1)};
  EXPECT_FALSE(pacer.next());
}

TEST(Pacer, UniformArrivalsAreEvenAndAsMany) {
  ManualClock clock;
  Pacer pacer({Time{}, Time{seconds(1)}}, clock.function(), 100, Arrivals::uniform, 1);
  for (int i = 0; i < 100; ++i) {
    const auto turn = pacer.next();
    ASSERT_TRUE(turn);
    EXPECT_EQ(turn->due, Time{milliseconds(10) * i});
    EXPECT_FALSE(turn->expired);
  }
  EXPECT_FALSE(pacer.next());
}

TEST(Pacer, PoissonArrivalsHaveTheRateAndExponentialGaps) {
  ManualClock clock;
  Pacer pacer({Time{}, Time{seconds(100)}}, clock.function(), 100, Arrivals::poisson, 1);
  std::vector<double> gaps;
  Time last{};
  while (const auto turn = pacer.next()) {
    gaps.push_back(std::chrono::duration<double>(turn->due - last).count());
    last = turn->due;
  }
  EXPECT_NEAR(static_cast<double>(gaps.size()), 10000, 300);  // three standard deviations
  // A share of 1/e of exponential gaps is above their mean.
  const auto above = std::count_if(gaps.begin(), gaps.end(), [](double gap) { return gap > 0.01; });
  EXPECT_NEAR(static_cast<double>(above) / static_cast<double>(gaps.size()), 0.368, 0.02);
}

// One connection, 10 requests a second that take 1 ms, and a stall of a second: the requests that were due
// meanwhile count their wait. A closed loop would see one slow request.
TEST(Pacer, AStallIsSeenByTheRequestsThatWereDueMeanwhile) {
  ManualClock clock;
  Pacer pacer({Time{}, Time{seconds(2)}}, clock.function(), 10, Arrivals::uniform, 1);
  LatencyHistogram latency;
  int slow = 0;
  while (const auto turn = pacer.next()) {
    clock.now = std::max(clock.now, turn->due);
    clock.now += turn->due == Time{} ? milliseconds(1000) : milliseconds(1);
    latency.record(clock.now - turn->due);
    if (clock.now - turn->due > milliseconds(50)) ++slow;
  }
  EXPECT_EQ(latency.count(), 20u);
  EXPECT_EQ(slow, 10);
  EXPECT_GT(latency.percentile(0.9), milliseconds(800));
}

TEST(Pacer, WhatIsOverdueAfterTheGraceExpires) {
  ManualClock clock;
  Pacer pacer({Time{}, Time{seconds(1)}, milliseconds(500)}, clock.function(), 4, Arrivals::uniform, 1);
  clock.now = Time{milliseconds(1499)};
  EXPECT_FALSE(pacer.next()->expired);
  clock.now = Time{milliseconds(1500)};
  for (int i = 1; i < 4; ++i) EXPECT_TRUE(pacer.next()->expired);
  EXPECT_FALSE(pacer.next());
}

}  // namespace
}  // namespace loadtest
