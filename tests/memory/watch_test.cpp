#include "holdfast/memory/watch.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <string>

#include "fakes/temporary_directory.hpp"

namespace holdfast::memory {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;

constexpr std::uint64_t kMiB = 1024 * 1024;

// A process in a container of 256 MiB on a large machine.
class WatchTest : public testing::Test {
 protected:
  WatchTest() {
    root_.write("proc/meminfo", "MemTotal: 67108864 kB\nMemAvailable: 60000000 kB\n");
    root_.write("proc/pressure/memory", "some avg10=0.00 avg60=0.00\nfull avg10=0.00 avg60=0.00\n");
    root_.write("proc/self/cgroup", "0::/pod\n");
    root_.write("cgroup/pod/memory.max", std::to_string(256 * kMiB));
    root_.write("cgroup/pod/memory.stat", "inactive_file 0\n");
    use(50 * kMiB);
    watch_.emplace(
        WatchOptions{}, Sources{root_.path() / "proc", root_.path() / "cgroup"},
        [this] { return accounted_; }, pressure_);
  }
  void use(std::uint64_t bytes) {
    const auto pages = std::to_string(bytes / static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)));
    root_.write("proc/self/statm", pages + " " + pages + " 0 0 0 0 0\n");
    root_.write("cgroup/pod/memory.current", std::to_string(bytes));
  }
  bool check() { return watch_->check(now_ += watch_->next_interval()); }

  TemporaryDirectory root_;
  std::uint64_t accounted_ = 0;
  Pressure pressure_;
  std::optional<Watch> watch_;
  SteadyTime now_{seconds(1)};
};

TEST_F(WatchTest, AnEmergencyIsSeenByTheNextCheck) {
  EXPECT_FALSE(check());
  EXPECT_EQ(pressure_.level(), Level::normal);
  use(200 * kMiB);
  EXPECT_TRUE(check());
  EXPECT_EQ(pressure_.level(), Level::emergency);
  EXPECT_EQ(pressure_.batch_messages(), 64u);
  EXPECT_EQ(watch_->report().cause, Signal::resident);
}

TEST_F(WatchTest, IsNormalAgainTenSecondsAfterTheCause) {
  use(250 * kMiB);
  check();
  use(50 * kMiB);
  const auto ended = now_;
  while (pressure_.level() != Level::normal && now_ - ended < seconds(60)) check();
  EXPECT_LE(now_ - ended, seconds(10));
  const auto report = watch_->report();
  EXPECT_EQ(report.entered, (std::array<std::uint64_t, 4>{1, 1, 1, 1}));
}

TEST_F(WatchTest, WhatIsAccountedIsASignalOfItsOwn) {
  accounted_ = 100 * kMiB;  // of 102.4
  check();
  EXPECT_EQ(pressure_.level(), Level::critical);
  EXPECT_EQ(watch_->report().cause, Signal::accounted);
}

TEST_F(WatchTest, ChecksMoreOftenTheWorseItIs) {
  EXPECT_EQ(watch_->next_interval(), milliseconds(250));
  const std::pair<std::uint64_t, milliseconds> at[] = {
      {140 * kMiB, milliseconds(100)}, {170 * kMiB, milliseconds(50)}, {190 * kMiB, milliseconds(50)}};
  for (const auto& [bytes, interval] : at) {
    use(bytes);
    check();
    EXPECT_EQ(watch_->next_interval(), interval) << bytes;
  }
}

TEST_F(WatchTest, PurgesTheAllocatorAtMostEveryTenSeconds) {
  use(170 * kMiB);
  for (const auto until = now_ + seconds(25); now_ < until;) check();
  EXPECT_EQ(pressure_.counted(Action::allocator_purged), 3u);
}

TEST_F(WatchTest, FragmentsArePurgedOncePastTheirThreshold) {
  use(50 * kMiB);
  check();
  EXPECT_EQ(watch_->report().fragmentation, 0.0);
  use(70 * kMiB);  // 20 of 70
  check();
  EXPECT_NEAR(watch_->report().fragmentation.value_or(-1), 0.286, 0.001);
  EXPECT_EQ(pressure_.counted(Action::allocator_purged), 0u);
  use(75 * kMiB);
  check();
  EXPECT_EQ(pressure_.counted(Action::allocator_purged), 1u);
  // What the purge did not give back counts no more.
  for (const auto until = now_ + seconds(25); now_ < until;) check();
  EXPECT_EQ(watch_->report().fragmentation, 0.0);
  EXPECT_EQ(pressure_.counted(Action::allocator_purged), 1u);
}

TEST_F(WatchTest, WhatIsAccountedForIsNoFragment) {
  use(50 * kMiB);
  check();
  use(110 * kMiB);
  accounted_ = 60 * kMiB;
  check();
  EXPECT_EQ(watch_->report().fragmentation, 0.0);
  accounted_ = 10 * kMiB;  // freed, and kept by the allocator
  check();
  EXPECT_NEAR(watch_->report().fragmentation.value_or(-1), 50.0 / 110, 0.001);
  EXPECT_EQ(pressure_.counted(Action::allocator_purged), 1u);
}

TEST_F(WatchTest, AnUnreadableSourceIsLeftOutAndNamed) {
  root_.write("proc/self/statm", "");
  root_.write("cgroup/pod/memory.current", "");
  check();
  const auto report = watch_->report();
  EXPECT_EQ(report.level, Level::normal);
  EXPECT_FALSE(report.shares[Signal::resident]);
  EXPECT_FALSE(report.shares[Signal::cgroup]);
  EXPECT_EQ(report.readings.unreadable.size(), 2u);
}

TEST_F(WatchTest, ASawtoothOfThreePercentChangesTheLevelAtMostSixTimesAMinute) {
  const auto changes = [&] {
    std::uint64_t sum = 0;
    for (const auto entered : watch_->report().entered) sum += entered;
    return sum;
  };
  for (const double centre : {0.70, 0.90, 1.0}) {
    check();
    const auto before = changes();
    const auto began = now_;
    while (now_ - began < seconds(60)) {
      const double phase = static_cast<double>((now_ - began) / milliseconds(1) % 7000) / 7000.0;
      accounted_ = static_cast<std::uint64_t>(centre * (0.97 + 0.06 * phase) * 102.4 * kMiB);
      check();
    }
    EXPECT_GT(changes(), before) << centre;
    EXPECT_LE(changes() - before, 6u) << centre;
  }
}

TEST_F(WatchTest, TransitionsNameReadingLimitOriginAndConsequence) {
  use(140 * kMiB);
  check();
  const auto line = describe_transition(Level::normal, Level::warning, watch_->report());
  EXPECT_EQ(
      line,
      "memory pressure rises from normal to warning: resident memory of 140.0 MiB is 78 % of its limit of "
      "179.2 MiB (70 % of memory.max of cgroup /pod); flush batches and caches shrink, writers are asked to "
      "slow down");
  EXPECT_EQ(describe_transition(Level::warning, Level::normal, {}),
            "memory pressure falls from warning to normal; everything is taken again");
  root_.write("proc/meminfo", "MemTotal: 67108864 kB\nMemAvailable: 40000 kB\n");
  use(10 * kMiB);
  check();
  EXPECT_THAT(
      describe_transition(Level::normal, Level::warning, watch_->report()),
      HasSubstr(
          "39.1 MiB are available, 1.5 times the minimum of 25.6 MiB (10 % of memory.max of cgroup /pod)"));
}

}  // namespace
}  // namespace holdfast::memory
