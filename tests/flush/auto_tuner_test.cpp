#include "holdfast/flush/auto_tuner.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace holdfast::flush {
namespace {

using namespace std::chrono_literals;
using metrics::Latency;
using metrics::Situation;
using metrics::ThreadClass;
using metrics::TimedComponent;

// A window of a minute in which nothing was at its limit.
Situation quiet(std::uint64_t stored = 6'000) {
  Situation now;
  now.summary.covers = 60s;
  now.summary.stored_messages = stored;
  now.queue_size = 100;
  now.cpus = 4;
  now.settings = {5, 8, 100, 0.95, 3, 30s, "fsync", true, 4};
  return now;
}

// The flush workers wait for the store all the time.
Situation store_bound(std::uint64_t stored = 6'000) {
  auto now = quiet(stored);
  now.summary.worker_utilization = 0.95;
  now.summary.components[TimedComponent::store] = {10, 2'000};
  now.summary.components[TimedComponent::embedding] = {10, 1'000};
  return now;
}

// They make vectors all the time.
Situation vector_bound(std::uint64_t stored = 6'000) {
  auto now = store_bound(stored);
  now.summary.components[TimedComponent::embedding] = {10, 3'000};
  return now;
}

Situation cpu_bound(double p95_ms) {
  auto now = quiet();
  now.summary.threads[ThreadClass::flush] = {3, 150.0};
  now.summary.threads[ThreadClass::shard] = {4, 60.0};
  now.summary.write = Latency{1000, 1.0, 1.0, 1.0, p95_ms, 1.0};
  return now;
}

Situation short_of_memory(double share) {
  auto now = quiet();
  now.memory_share = share;
  now.summary.buffered_bytes = 1'000;
  return now;
}

constexpr Tuning kNow{2, 8};
constexpr TuningBounds kBounds{3, 2, 32};

std::optional<Tuning> proposed(const Situation& situation, Tuning now = kNow) {
  const auto step = propose_step(now, kBounds, situation);
  return step ? std::optional(step->tuning) : std::nullopt;
}

TEST(ProposedStep, NothingWhereNothingIsAtItsLimit) {
  EXPECT_EQ(proposed(quiet()), std::nullopt);
}

TEST(ProposedStep, LargerBatchesForWorkersThatWaitForTheStore) {
  EXPECT_EQ(proposed(store_bound()), (Tuning{2, 16}));
  EXPECT_EQ(propose_step(kNow, kBounds, store_bound())->step, TuningStep::larger_batches);
  EXPECT_EQ(proposed(store_bound(), {2, 20}), (Tuning{2, 32}));
  EXPECT_EQ(proposed(store_bound(), {2, 32}), std::nullopt);
}

TEST(ProposedStep, MoreWorkersForVectors) {
  EXPECT_EQ(proposed(vector_bound()), (Tuning{3, 8}));
  EXPECT_EQ(propose_step(kNow, kBounds, vector_bound())->step, TuningStep::more_workers);
  EXPECT_EQ(proposed(vector_bound(), {3, 8}), std::nullopt);
}

TEST(ProposedStep, FewerWorkersWhereTheyTakeTheCpus) {
  EXPECT_EQ(proposed(cpu_bound(10)), (Tuning{1, 8}));
  EXPECT_EQ(propose_step(kNow, kBounds, cpu_bound(10))->step, TuningStep::fewer_workers);
  EXPECT_EQ(proposed(cpu_bound(10), {1, 8}), std::nullopt);
}

TEST(ProposedStep, SmallerBatchesWhereMemoryIsShort) {
  EXPECT_EQ(proposed(short_of_memory(0.95)), (Tuning{2, 4}));
  EXPECT_EQ(propose_step(kNow, kBounds, short_of_memory(0.95))->step, TuningStep::smaller_batches);
  EXPECT_EQ(proposed(short_of_memory(0.95), {2, 3}), (Tuning{2, 2}));
  EXPECT_EQ(proposed(short_of_memory(0.95), {2, 2}), std::nullopt);
}

TEST(ProposedStep, NothingForWhatNeitherSettingHelps) {
  auto slow = quiet();
  slow.summary.query = Latency{100, 400.0, 400.0, 400.0, 400.0, 400.0};
  EXPECT_EQ(proposed(slow), std::nullopt);
  auto cache = short_of_memory(0.95);
  cache.cache_bytes = 2'000;  // holds more than the buffers
  EXPECT_EQ(proposed(cache), std::nullopt);
}

TEST(TuningBounds, AreWhatTheConfigurationAllows) {
  EXPECT_EQ(bounds_of({3, 5}).most_workers, 3u);
  EXPECT_EQ(bounds_of({3, 5}).least_rounds, 1u);
  EXPECT_EQ(bounds_of({3, 5}).most_rounds, 20u);
  EXPECT_EQ(bounds_of({3, 2}).least_rounds, 1u);
  EXPECT_EQ(bounds_of({3, 40}).most_rounds, 50u);
}

TEST(AutoTuner, KeepsWhatHelpedAndGoesOn) {
  AutoTuner tuner({3, 8});
  auto decision = tuner.window_over(store_bound(6'000));
  ASSERT_TRUE(decision);
  EXPECT_EQ(decision->outcome, TuningOutcome::applied);
  EXPECT_EQ(decision->tuning, (Tuning{3, 16}));
  EXPECT_THAT(decision->reason, testing::HasSubstr("95 %"));
  decision = tuner.window_over(store_bound(6'300));  // a twentieth more
  ASSERT_TRUE(decision);
  EXPECT_EQ(decision->outcome, TuningOutcome::kept);
  EXPECT_EQ(tuner.tuning(), (Tuning{3, 16}));
  decision = tuner.window_over(store_bound(6'300));
  ASSERT_TRUE(decision);
  EXPECT_EQ(decision->tuning, (Tuning{3, 32}));
}

TEST(AutoTuner, TakesBackWhatDidNotHelpAndLetsItRest) {
  AutoTuner tuner({3, 8});
  ASSERT_TRUE(tuner.window_over(store_bound(6'000)));
  const auto decision = tuner.window_over(store_bound(6'299));
  ASSERT_TRUE(decision);
  EXPECT_EQ(decision->step, TuningStep::larger_batches);
  EXPECT_EQ(decision->outcome, TuningOutcome::backed_out);
  EXPECT_EQ(decision->tuning, (Tuning{3, 8}));
  EXPECT_EQ(tuner.tuning(), (Tuning{3, 8}));
  for (unsigned i = 1; i < AutoTuner::kRestWindows; ++i) EXPECT_FALSE(tuner.window_over(store_bound())) << i;
  const auto again = tuner.window_over(store_bound());
  ASSERT_TRUE(again);
  EXPECT_EQ(again->outcome, TuningOutcome::applied);
}

TEST(AutoTuner, AnotherStepNeedNotRest) {
  AutoTuner tuner({3, 8});
  ASSERT_TRUE(tuner.window_over(store_bound()));
  ASSERT_EQ(tuner.window_over(store_bound())->outcome, TuningOutcome::backed_out);
  const auto other = tuner.window_over(short_of_memory(0.95));
  ASSERT_TRUE(other);
  EXPECT_EQ(other->step, TuningStep::smaller_batches);
}

TEST(AutoTuner, HelpedIsAlsoWhenTheRuleNoLongerApplies) {
  AutoTuner tuner({3, 8});
  ASSERT_TRUE(tuner.window_over(store_bound(6'000)));
  EXPECT_EQ(tuner.window_over(quiet(10))->outcome, TuningOutcome::kept);
  EXPECT_FALSE(tuner.window_over(quiet()));
}

TEST(AutoTuner, CpuIsJudgedByLatencyAndMemoryByItsShare) {
  AutoTuner fewer({3, 8});
  ASSERT_EQ(fewer.window_over(cpu_bound(100))->tuning, (Tuning{2, 8}));
  EXPECT_EQ(fewer.window_over(cpu_bound(95))->outcome, TuningOutcome::kept);
  ASSERT_EQ(fewer.window_over(cpu_bound(95))->tuning, (Tuning{1, 8}));
  EXPECT_EQ(fewer.window_over(cpu_bound(94))->outcome, TuningOutcome::backed_out);
  EXPECT_EQ(fewer.tuning(), (Tuning{2, 8}));

  AutoTuner smaller({3, 8});
  ASSERT_EQ(smaller.window_over(short_of_memory(1.0))->tuning, (Tuning{3, 4}));
  EXPECT_EQ(smaller.window_over(short_of_memory(0.95))->outcome, TuningOutcome::kept);
  ASSERT_EQ(smaller.window_over(short_of_memory(0.95))->tuning, (Tuning{3, 2}));
  EXPECT_EQ(smaller.window_over(short_of_memory(0.94))->outcome, TuningOutcome::backed_out);
}

}  // namespace
}  // namespace holdfast::flush
