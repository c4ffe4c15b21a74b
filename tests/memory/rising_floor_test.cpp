#include "holdfast/memory/rising_floor.hpp"

#include <gtest/gtest.h>

#include <functional>

namespace holdfast::memory {
namespace {

using std::chrono::seconds;

constexpr std::uint64_t kMiB = 1u << 20;

// Bytes and what has left, by the second, watched for so many seconds of a rule that covers 80.
std::optional<std::uint64_t> grown(const std::function<std::uint64_t(std::uint64_t)>& bytes,
                                   const std::function<std::uint64_t(std::uint64_t)>& left,
                                   std::uint64_t watched = 81) {
  RisingFloor floor{seconds(80)};
  for (std::uint64_t second = 0; second < watched; ++second) {
    floor.add(SteadyTime(seconds(second)), bytes(second), left(second));
  }
  return floor.grown();
}

std::uint64_t always(std::uint64_t second) {
  return second * 10;
}
// Fills by a mebibyte a second, is emptied each fifth, and keeps a part of it.
std::uint64_t keeps_some(std::uint64_t second) {
  return kMiB * (second % 5) + second * kMiB / 10;
}

TEST(RisingFloor, WhatKeepsSomeOfAllThatLeavesIsSuspected) {
  const auto by = grown(keeps_some, always);
  ASSERT_TRUE(by);
  EXPECT_EQ(*by, 7 * kMiB);  // the least of each ten seconds, seven times on
}

TEST(RisingFloor, ASwingIsNot) {
  EXPECT_FALSE(grown([](std::uint64_t second) { return kMiB * (second % 5); }, always));
}

TEST(RisingFloor, WhatNothingLeavesIsNot) {
  EXPECT_FALSE(grown(keeps_some, [](std::uint64_t) { return 7u; }));
  // Nor where nothing left for a part of the time: a store that stood still.
  EXPECT_FALSE(grown(keeps_some, [](std::uint64_t second) { return second < 40 ? second : 40; }));
}

TEST(RisingFloor, OneStepBackIsEnough) {
  EXPECT_FALSE(grown([](std::uint64_t second) { return second == 47 ? 0 : keeps_some(second); }, always));
}

TEST(RisingFloor, LittleIsNot) {
  EXPECT_FALSE(grown([](std::uint64_t second) { return second * 1000; }, always));
}

TEST(RisingFloor, TheWholeTimeMustBeCovered) {
  EXPECT_FALSE(grown(keeps_some, always, 80));
  RisingFloor floor{seconds(80)};
  for (std::uint64_t second = 0; second < 200; ++second) {
    if (second > 100 && second < 130) continue;  // nobody looked
    floor.add(SteadyTime(seconds(second)), keeps_some(second), always(second));
  }
  EXPECT_FALSE(floor.grown());
}

}  // namespace
}  // namespace holdfast::memory
