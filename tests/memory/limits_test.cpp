#include "holdfast/memory/limits.hpp"

#include <gtest/gtest.h>

namespace holdfast::memory {
namespace {

constexpr std::uint64_t kMiB = 1u << 20, kGiB = 1u << 30;

Readings machine(std::uint64_t ram, std::uint64_t available, std::uint64_t limit = 0) {
  Readings readings;
  readings.ram_bytes = ram;
  readings.ram_available_bytes = available;
  readings.limit_bytes = limit > 0 ? limit : ram;
  readings.limit_origin = limit > 0 ? "memory.max of cgroup /pod" : "the machine's RAM";
  return readings;
}

void expect(const Limits& limits, std::uint64_t buffers, std::uint64_t process, std::uint64_t available) {
  EXPECT_EQ(limits.buffers.bytes / kMiB, buffers) << limits.buffers.origin;
  EXPECT_EQ(limits.process.bytes / kMiB, process) << limits.process.origin;
  EXPECT_EQ(limits.available.bytes / kMiB, available) << limits.available.origin;
}

TEST(ChooseLimits, FollowsTheTableOfMachines) {
  expect(choose_limits({}, machine(4 * kGiB - 1, 3 * kGiB)), 512, 1024, 256);
  expect(choose_limits({}, machine(4 * kGiB, 3 * kGiB)), 1024, 2048, 409);  // the reserve: 10 % of 4 GiB
  expect(choose_limits({}, machine(8 * kGiB - 1, 6 * kGiB)), 1024, 2048, 512);
  expect(choose_limits({}, machine(8 * kGiB, 6 * kGiB)), 2048, 4096, 819);
  expect(choose_limits({}, machine(16 * kGiB - 1, 12 * kGiB)), 2048, 4096, 1024);
  expect(choose_limits({}, machine(16 * kGiB, 12 * kGiB)), 4096, 8192, 1638);
  expect(choose_limits({}, machine(64 * kGiB, 60 * kGiB)), 4096, 8192, 2048);
}

TEST(ChooseLimits, AreLessWhereLittleIsAvailable) {
  expect(choose_limits({}, machine(64 * kGiB, 4 * kGiB)), 4096, 8192, 2048);
  expect(choose_limits({}, machine(64 * kGiB, 4 * kGiB - 1)), 2048, 5734, 2048);
}

TEST(ChooseLimits, AContainerBinds) {
  const auto limits = choose_limits({}, machine(64 * kGiB, 60 * kGiB, 256 * kMiB));
  expect(limits, 102, 179, 25);
  EXPECT_EQ(limits.process.origin, "70 % of memory.max of cgroup /pod");
}

TEST(ChooseLimits, GivenNumbersAreTakenAsTheyAre) {
  const auto limits =
      choose_limits({300 * kMiB, 0, 5 * kMiB, Sizing::automatic}, machine(64 * kGiB, 60 * kGiB, 256 * kMiB));
  expect(limits, 300, 179, 5);
  EXPECT_EQ(limits.buffers.origin, "memory.max_buffer_mb");
}

TEST(ChooseLimits, SizingsHaveTheirTable) {
  const auto big = machine(64 * kGiB, 60 * kGiB);
  const auto of = [&](Sizing sizing) { return choose_limits({0, 0, 0, sizing}, big); };
  expect(of(Sizing::data_pipeline), 2048, 4096, 1024);
  expect(of(Sizing::analytics), 1024, 2048, 512);
  expect(of(Sizing::ml_training), 4096, 8192, 2048);
  expect(of(Sizing::batch_processing), 1024, 2048, 512);
  EXPECT_EQ(of(Sizing::analytics).buffers.origin, "memory.sizing analytics");
  expect(choose_limits({0, 0, 0, Sizing::ml_training}, machine(64 * kGiB, 60 * kGiB, kGiB)), 409, 716, 102);
}

TEST(ChooseLimits, AreTheLeastWhereNothingCanBeRead) {
  expect(choose_limits({}, {}), 512, 1024, 256);
}

TEST(StepChecks, AreRarerByModeAndSize) {
  EXPECT_EQ(steps_between_checks(Mode::performance, 0), 50u);
  EXPECT_EQ(steps_between_checks(Mode::balanced, 100'000), 20u);
  EXPECT_EQ(steps_between_checks(Mode::balanced, 100'001), 40u);
  EXPECT_EQ(steps_between_checks(Mode::safety, 1'000'000), 10u);
  EXPECT_EQ(steps_between_checks(Mode::safety, 1'000'001), 25u);
}

TEST(StepChecks, ShouldCheckAtEachMultiple) {
  EXPECT_TRUE(should_check(0, 10));
  EXPECT_FALSE(should_check(9, 10));
  EXPECT_TRUE(should_check(10, 10));
  EXPECT_FALSE(should_check(11, 10));
  EXPECT_TRUE(should_check(7, 1));
  EXPECT_TRUE(should_check(7, 0));
}

TEST(StepChecks, TellTheirRates) {
  StepChecks checks(20);
  EXPECT_EQ(checks.check_rate(), 0.0);
  int found = 0;
  for (int i = 0; i < 100; ++i) {
    if (checks.step()) checks.found(found++ == 0);
  }
  EXPECT_EQ(found, 5);
  EXPECT_DOUBLE_EQ(checks.check_rate(), 0.05);
  EXPECT_DOUBLE_EQ(checks.pressure_event_rate(), 0.01);
}

}  // namespace
}  // namespace holdfast::memory
