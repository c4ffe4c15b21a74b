#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "holdfast/metrics/accounted.hpp"
#include "holdfast/metrics/window.hpp"
#include "set_clock.hpp"

namespace holdfast::metrics {
namespace {

using namespace std::chrono_literals;

class WindowTest : public testing::Test {
 protected:
  static constexpr Capacity kCapacity{2, 4.0, 1'000};  // workers, CPUs, bytes

  Probes probes_{2};
  SetClock clock_;
  WindowHistory window_{probes_, Options{5s, 60s}, kCapacity, clock_};
  ShardProbe& first_ = *probes_.shards[0];
  ShardProbe& second_ = *probes_.shards[1];
};

TEST_F(WindowTest, BeforeTheFirstSampleNothingIsClaimed) {
  first_.messages.add(5);
  const auto summary = window_.summary();
  EXPECT_EQ(summary.covers, 0ns);
  EXPECT_EQ(summary.messages, 0u);
  EXPECT_FALSE(summary.worker_utilization);
}

TEST_F(WindowTest, WhatDidNotHappenHasNoShare) {
  window_.take({});
  clock_.advance(10s);
  const auto summary = window_.summary();
  EXPECT_EQ(summary.covers, 10s);
  EXPECT_FALSE(summary.error_percentage);
  EXPECT_FALSE(summary.write);
  EXPECT_FALSE(summary.query);
  EXPECT_FALSE(summary.cache_hit_rate);
  EXPECT_FALSE(summary.average_batch_messages);
  EXPECT_FALSE(summary.flush_success_rate);
  EXPECT_FALSE(summary.cpu_share);
  EXPECT_FALSE(summary.io_wait_share);
  EXPECT_EQ(summary.worker_utilization, 0.0);
  EXPECT_EQ(summary.buffer_utilization, 0.0);
}

TEST_F(WindowTest, RatesCountSinceTheFirstSampleWhileYounger) {
  first_.messages.add(1'000);  // before the first sample: replay
  window_.take({});
  first_.messages.add(20);
  second_.messages.add(10);
  first_.transfers[TransferReason::rounds].add(3);
  second_.transfers[TransferReason::idle].add(7);
  clock_.advance(20s);
  const auto summary = window_.summary();
  EXPECT_EQ(summary.messages, 30u);
  EXPECT_DOUBLE_EQ(summary.messages_per_minute, 90.0);
  EXPECT_DOUBLE_EQ(summary.transferred_rounds_per_second, 0.5);
}

TEST_F(WindowTest, WhatIsOlderThanTheWindowIsForgotten) {
  window_.take({});
  first_.messages.add(500);
  for (int i = 0; i < 12; ++i) {
    clock_.advance(5s);
    window_.take({});
  }
  EXPECT_EQ(window_.summary().messages, 500u);  // exactly the window
  clock_.advance(5s);
  window_.take({});
  EXPECT_EQ(window_.summary().messages, 0u);
  EXPECT_EQ(window_.summary().covers, 60s);
}

TEST_F(WindowTest, SamplesThatComeTooOftenStillCoverTheWindow) {
  WindowHistory window(probes_, Options{1ms, 60s}, kCapacity, clock_);
  for (int i = 0; i < 10'000; ++i) {
    window.take({});
    clock_.advance(10ms);
  }
  EXPECT_GE(window.summary().covers, 60s);
  EXPECT_LE(window.summary().covers, 61s);
}

TEST_F(WindowTest, LatencyMergesShardsAndHitsWithMisses) {
  window_.take({});
  for (int i = 0; i < 50; ++i) first_.query_hit_ns.record(1'000'000);
  for (int i = 0; i < 50; ++i) second_.query_miss_ns.record(9'000'000);
  first_.write_ns.record(2'000'000);
  clock_.advance(60s);
  const auto summary = window_.summary();
  EXPECT_EQ(summary.queries, 100u);
  EXPECT_DOUBLE_EQ(summary.queries_per_minute, 100.0);
  ASSERT_TRUE(summary.query && summary.write);
  EXPECT_DOUBLE_EQ(summary.query->mean_ms, 5.0);
  EXPECT_NEAR(summary.query->p50_ms, 1.0, 0.125);
  EXPECT_NEAR(summary.query->p90_ms, 9.0, 1.2);
  EXPECT_NEAR(summary.query->p99_ms, 9.0, 1.2);
  EXPECT_EQ(summary.write->count, 1u);
  EXPECT_NEAR(summary.write->p95_ms, 2.0, 0.25);
}

TEST_F(WindowTest, LatencyOfTheWindowIgnoresWhatWasSlowBefore) {
  first_.write_ns.record(5'000'000'000);
  window_.take({});
  first_.write_ns.record(1'000'000);
  clock_.advance(5s);
  EXPECT_LT(window_.summary().write->p99_ms, 2.0);
}

TEST_F(WindowTest, RefusalsAreShownByReasonAndOnly5xxAreErrors) {
  window_.take({});
  first_.responses[Route::messages_add][2].add(6);
  first_.responses[Route::messages_add][4].add(1);
  second_.responses[Route::query][5].add(1);
  first_.refused[RefusalReason::memory_budget].add(2);
  second_.refused[RefusalReason::journal_queue].add(1);
  clock_.advance(5s);
  const auto summary = window_.summary();
  EXPECT_EQ(summary.requests, 8u);
  EXPECT_EQ(summary.error_percentage, 12.5);
  EXPECT_EQ(summary.refused_requests, 3u);
  EXPECT_EQ(summary.refused[RefusalReason::memory_budget], 2u);
  EXPECT_EQ(summary.refused[RefusalReason::journal_queue], 1u);
}

TEST_F(WindowTest, QueriesThatPassTheCacheByDoNotLowerItsHitRate) {
  window_.take({});
  first_.cache[CacheOutcome::hit].add(3);
  second_.cache[CacheOutcome::miss].add(1);
  first_.cache[CacheOutcome::bypassed].add(96);
  clock_.advance(5s);
  EXPECT_EQ(window_.summary().cache_hit_rate, 0.75);
}

TEST_F(WindowTest, FlushesAreJudgedByTheStoresAnswers) {
  window_.take({});
  first_.flushed_batches.add(3);
  second_.failed_batches.add(1);
  first_.batch_messages.record(10);
  second_.batch_messages.record(21);
  clock_.advance(5s);
  EXPECT_EQ(window_.summary().flush_success_rate, 0.75);
  EXPECT_EQ(window_.summary().average_batch_messages, 15.5);
}

TEST_F(WindowTest, WorkersAreNeverMoreThanBusy) {
  window_.take({});
  probes_.flush.busy_ns.add(5'000'000'000);
  clock_.advance(10s);
  EXPECT_EQ(window_.summary().worker_utilization, 0.25);  // 5 s of 2 workers × 10 s
  probes_.flush.busy_ns.add(300'000'000'000);             // a write that began before the window
  EXPECT_EQ(window_.summary().worker_utilization, 1.0);
}

TEST_F(WindowTest, BufferUtilizationIsWhatIsInTheBuffersNow) {
  first_.stages[Stage::round_buffer].enter(3, 300);
  first_.stages[Stage::round_buffer].leave(1, 100);
  first_.stages[Stage::hybrid_buffer].enter(1, 100);
  second_.stages[Stage::in_flight].enter(1, 50);
  second_.operation_bytes.add(30);
  EXPECT_EQ(window_.summary().buffered_bytes, 350 + 4 * kMessageOverhead + 30);
  EXPECT_EQ(window_.summary().buffer_utilization, (350 + 4 * kMessageOverhead + 30) / 1000.0);
}

TEST_F(WindowTest, SharesOfCpuComeFromTheKernelsNumbers) {
  ProcessUsage usage;
  usage.user_cpu_seconds = 10.0;
  usage.system_cpu_seconds = 5.0;
  usage.machine_cpu_seconds = 100.0;
  usage.machine_io_wait_seconds = 1.0;
  window_.take(usage);
  clock_.advance(10s);
  usage.user_cpu_seconds = 16.0;
  usage.system_cpu_seconds = 9.0;
  usage.machine_cpu_seconds = 140.0;
  usage.machine_io_wait_seconds = 3.0;
  window_.take(usage);
  EXPECT_EQ(window_.summary().cpu_share, 0.25);  // 10 s of 4 CPUs × 10 s
  EXPECT_EQ(window_.summary().io_wait_share, 0.05);
  clock_.advance(5s);
  window_.take({});  // unreadable this time
  EXPECT_FALSE(window_.summary().cpu_share);
  EXPECT_FALSE(window_.summary().io_wait_share);
}

TEST_F(WindowTest, UnknownCapacityIsNoShare) {
  const WindowHistory unbounded(probes_, Options{}, Capacity{}, clock_);
  EXPECT_FALSE(unbounded.summary().buffer_utilization);
}

TEST(WindowWithTheRealClock, MayBeReadWhileShardsCountAndSamplesAreTaken) {
  Probes probes(1);
  WindowHistory window(probes, Options{1ms, 10ms}, Capacity{1, 1.0, 1}, system_clock());
  std::atomic<int> readers{2};
  std::thread shard([&] {
    auto& probe = *probes.shards[0];
    while (readers > 0) {
      probe.stages[Stage::round_buffer].enter(1, 10);
      probe.write_ns.record(1'000);
      probe.stages[Stage::round_buffer].leave(1, 10);
    }
  });
  std::thread monitor([&] {
    for (int i = 0; i < 500; ++i) window.take({});
    --readers;
  });
  for (int i = 0; i < 500; ++i) {
    const auto summary = window.summary();
    EXPECT_LT(summary.buffer_utilization.value(), 1e15);  // a wrapped number is 1.8e19
    if (summary.write) {
      EXPECT_LT(summary.write->count, 1u << 31);
    }
  }
  --readers;
  shard.join();
  monitor.join();
}

}  // namespace
}  // namespace holdfast::metrics
