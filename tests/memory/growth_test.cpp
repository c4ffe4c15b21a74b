#include "holdfast/memory/growth.hpp"

#include <gtest/gtest.h>

namespace holdfast::memory {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(Growth, IsTheSlopeAndWhenItGetsThere) {
  Growth growth(seconds(60));
  for (seconds at{0}; at <= seconds(60); at += seconds(1)) {
    growth.add(SteadyTime(at), 1'000'000 + static_cast<std::uint64_t>(at.count()) * 500);
  }
  ASSERT_TRUE(growth.bytes_a_second());
  EXPECT_NEAR(*growth.bytes_a_second(), 500, 1);
  ASSERT_TRUE(growth.seconds_until(1'130'000));
  EXPECT_NEAR(*growth.seconds_until(1'130'000), 200, 1);
  EXPECT_EQ(growth.seconds_until(1'000'000), 0.0);
  EXPECT_FALSE(growth.seconds_until(1'000'000'000));  // not within a day
}

TEST(Growth, SaysNothingUntilHalfOfItsTimeIsCovered) {
  Growth growth(seconds(60));
  for (seconds at{0}; at < seconds(30); at += seconds(1)) growth.add(SteadyTime(at), 1000);
  EXPECT_FALSE(growth.bytes_a_second());
  growth.add(SteadyTime(seconds(30)), 1000);
  EXPECT_TRUE(growth.bytes_a_second());
}

TEST(Growth, ForgetsWhatIsOld) {
  Growth growth(seconds(60));
  SteadyTime now{};
  for (int i = 0; i < 100; ++i) growth.add(now += seconds(1), static_cast<std::uint64_t>(i) * 1000);
  for (int i = 0; i < 61; ++i) growth.add(now += seconds(1), 100'000);
  EXPECT_NEAR(growth.bytes_a_second().value_or(-1), 0, 1);
  EXPECT_FALSE(growth.seconds_until(200'000));
}

TEST(Growth, ASwingIsNoGrowth) {
  Growth growth(seconds(60));
  for (milliseconds at{0}; at <= seconds(60); at += milliseconds(250)) {
    growth.add(SteadyTime(at), at.count() / 250 % 2 == 0 ? 1'000'000 : 1'100'000);
  }
  EXPECT_LT(std::abs(growth.bytes_a_second().value_or(1e9)), 500);
}

}  // namespace
}  // namespace holdfast::memory
