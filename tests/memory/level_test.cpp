#include "holdfast/memory/level.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <string>
#include <tuple>

namespace holdfast::memory {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr double kJust = 1e-9;  // the next thing to a boundary

Shares only(Signal signal, double value) {
  Shares shares;
  shares[signal] = value;
  return shares;
}

// Where each level begins, of a share (the first value that has it, but for `above`) and of the room left.
using Row = std::tuple<double, Level>;

class ShareOfALimit : public testing::TestWithParam<std::tuple<Signal, Row>> {};
TEST_P(ShareOfALimit, HasTheLevelOfTheTable) {
  const auto& [signal, row] = GetParam();
  const auto& [share, level] = row;
  EXPECT_EQ(judge(only(signal, share)).level, level) << share;
  const auto cause = judge(only(signal, share)).cause;
  EXPECT_EQ(cause.has_value(), level != Level::normal);
  EXPECT_EQ(cause.value_or(signal), signal);
}
INSTANTIATE_TEST_SUITE_P(
    AtEveryBoundary, ShareOfALimit,
    testing::Combine(testing::Values(Signal::accounted, Signal::resident, Signal::cgroup,
                                     Signal::address_space),
                     testing::Values(Row{0.0, Level::normal}, Row{0.70 - kJust, Level::normal},
                                     Row{0.70, Level::normal}, Row{0.70 + kJust, Level::warning},
                                     Row{0.90 - kJust, Level::warning}, Row{0.90, Level::warning},
                                     Row{0.90 + kJust, Level::critical}, Row{1.0 - kJust, Level::critical},
                                     Row{1.0, Level::emergency}, Row{7.0, Level::emergency})));

class RoomLeft : public testing::TestWithParam<Row> {};
TEST_P(RoomLeft, HasTheLevelOfTheTable) {
  const auto& [room, level] = GetParam();
  EXPECT_EQ(judge(only(Signal::available, room)).level, level) << room;
}
INSTANTIATE_TEST_SUITE_P(AtEveryBoundary, RoomLeft,
                         testing::Values(Row{100.0, Level::normal}, Row{2.0, Level::normal},
                                         Row{2.0 - kJust, Level::warning}, Row{1.5, Level::warning},
                                         Row{1.5 - kJust, Level::critical}, Row{1.0, Level::critical},
                                         Row{1.0 - kJust, Level::emergency}, Row{0.0, Level::emergency}));

// Every level of every signal beside every level of every other.
TEST(Judge, TheWorstSignalWins) {
  const double shares_at[] = {0.5, 0.8, 0.95, 1.1}, rooms_at[] = {3.0, 1.8, 1.2, 0.5};
  const auto value_at = [&](Signal signal, std::size_t level) {
    return signal == Signal::available ? rooms_at[level] : shares_at[level];
  };
  for (std::size_t a = 0; a < static_cast<std::size_t>(Signal::count); ++a) {
    for (std::size_t b = 0; b < static_cast<std::size_t>(Signal::count); ++b) {
      for (std::size_t of_a = 0; of_a < 4 && a != b; ++of_a) {
        for (std::size_t of_b = 0; of_b < 4; ++of_b) {
          Shares shares;
          shares[static_cast<Signal>(a)] = value_at(static_cast<Signal>(a), of_a);
          shares[static_cast<Signal>(b)] = value_at(static_cast<Signal>(b), of_b);
          EXPECT_EQ(judge(shares).level, static_cast<Level>(std::max(of_a, of_b))) << a << " " << b;
        }
      }
    }
  }
}

TEST(Judge, WhatCannotBeReadDecidesNothing) {
  EXPECT_EQ(judge({}).level, Level::normal);
  EXPECT_FALSE(judge({}).cause);
  EXPECT_EQ(judge(only(Signal::cgroup, 0.95)).level, Level::critical);
}

class LevelTrackerTest : public testing::Test {
 protected:
  Level check(double share, milliseconds later) {
    now_ += later;
    return tracker_.check(only(Signal::resident, share), now_);
  }
  Level check_room(double room, milliseconds later) {
    now_ += later;
    return tracker_.check(only(Signal::available, room), now_);
  }
  LevelTracker tracker_;
  SteadyTime now_{seconds(100)};
};

TEST_F(LevelTrackerTest, EachLevelIsEnteredByTheFirstCheckFromEachBelow) {
  const double at[] = {0.5, 0.8, 0.95, 1.0};
  for (std::size_t from = 0; from < 4; ++from) {
    for (std::size_t to = from; to < 4; ++to) {
      LevelTracker tracker;
      tracker.check(only(Signal::resident, at[from]), now_);
      ASSERT_EQ(tracker.level(), static_cast<Level>(from));
      EXPECT_EQ(tracker.check(only(Signal::resident, at[to]), now_ + milliseconds(1)),
                static_cast<Level>(to));
    }
  }
}

TEST_F(LevelTrackerTest, FallsOneLevelATimeAfterThreeChecksAndTwoSeconds) {
  check(1.5, seconds(0));
  EXPECT_EQ(check(0.1, milliseconds(50)), Level::emergency);
  EXPECT_EQ(check(0.1, milliseconds(50)), Level::emergency);
  EXPECT_EQ(check(0.1, milliseconds(50)), Level::emergency);  // three checks, not two seconds
  EXPECT_EQ(check(0.1, milliseconds(1899)), Level::emergency);
  EXPECT_EQ(check(0.1, milliseconds(1)), Level::critical);
  EXPECT_EQ(check(0.1, seconds(1)), Level::critical);
  EXPECT_EQ(check(0.1, seconds(2)), Level::critical);  // two seconds, not three checks
  EXPECT_EQ(check(0.1, milliseconds(1)), Level::warning);
}

TEST_F(LevelTrackerTest, IsNormalTenSecondsAfterTheCauseEndsAtTheIntervalsOfTheMonitor) {
  for (const double worst : {0.8, 0.95, 2.0}) {
    tracker_ = {};
    check(worst, milliseconds(50));
    const auto ended = now_;
    while (tracker_.level() != Level::normal && now_ - ended < seconds(20)) {
      check(0.2, tracker_.level() == Level::warning ? milliseconds(100) : milliseconds(50));
    }
    EXPECT_LE(now_ - ended, seconds(10)) << worst;
  }
}

TEST_F(LevelTrackerTest, IsNotLeftCloserThanTheSlackToWhereItIsEntered) {
  const std::pair<double, double> edges[] = {{0.75, 0.65}, {0.95, 0.85}, {1.0, 0.95}};
  for (const auto& [in, out] : edges) {
    tracker_ = {};
    const auto entered = check(in, milliseconds(1));
    for (int i = 0; i < 10; ++i) EXPECT_EQ(check(out + 1e-6, seconds(1)), entered) << in;
    for (int i = 0; i < 3; ++i) check(out - 1e-6, seconds(1));
    EXPECT_LT(tracker_.level(), entered) << in;
  }
}

TEST_F(LevelTrackerTest, TheRoomLeftHasASlackOfATenth) {
  const std::pair<double, double> edges[] = {{1.9, 2.2}, {1.4, 1.65}, {0.9, 1.1}};
  for (const auto& [in, out] : edges) {
    tracker_ = {};
    const auto entered = check_room(in, milliseconds(1));
    for (int i = 0; i < 10; ++i) EXPECT_EQ(check_room(out - 1e-6, seconds(1)), entered) << in;
    for (int i = 0; i < 3; ++i) check_room(out + 1e-6, seconds(1));
    EXPECT_LT(tracker_.level(), entered) << in;
  }
}

TEST_F(LevelTrackerTest, ARelapseStartsTheWaitAgain) {
  check(0.95, seconds(0));
  check(0.1, seconds(1));
  check(0.1, seconds(1));
  check(0.88, milliseconds(100));  // below the entry, not below the exit
  EXPECT_EQ(check(0.1, milliseconds(100)), Level::critical);
  EXPECT_EQ(check(0.1, seconds(1)), Level::critical);
  EXPECT_EQ(check(0.1, seconds(1)), Level::warning);
}

// A load that rises steadily by 3 % around a centre and falls back at once, whatever the centre and the
// period.
TEST_F(LevelTrackerTest, ASawtoothOfThreePercentChangesTheLevelAtMostSixTimesAMinute) {
  for (const auto signal : {Signal::resident, Signal::available}) {
    const double from = signal == Signal::available ? 0.9 : 0.6, to = signal == Signal::available ? 2.4 : 1.1;
    for (double centre = from; centre < to; centre += 0.004) {
      for (const double period : {0.3, 0.7, 1.0, 2.0, 3.7, 5.0, 8.0, 13.0, 20.0, 30.0, 45.0}) {
        LevelTracker tracker;
        int changes = 0;
        auto before = Level::normal;
        for (milliseconds at{0}; at < seconds(130); at += milliseconds(100)) {
          const double phase = std::fmod(std::chrono::duration<double>(at).count(), period) / period;
          const auto level =
              tracker.check(only(signal, centre * (0.97 + 0.06 * phase)), SteadyTime(seconds(1)) + at);
          if (at >= seconds(10) && level != before) ++changes;
          before = level;
        }
        EXPECT_LE(changes, 12) << to_string(signal) << " around " << centre << " each " << period << " s";
      }
    }
  }
}

}  // namespace
}  // namespace holdfast::memory
