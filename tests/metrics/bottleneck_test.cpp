// Row by row: what is measured, which setting is named, and that nothing is said just below a threshold.
#include "holdfast/metrics/bottleneck.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace holdfast::metrics {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

// A daemon on four CPUs that has little to do for ten seconds.
Situation quiet() {
  Situation now;
  now.summary.covers = 10s;
  now.queue_size = 100;
  now.cpus = 4;
  now.settings = {5, 6, 100, 0.95, 3, 30s, "fsync", true, 2};
  now.summary.write = Latency{1000, 2.0, 1.0, 3.0, 4.0, 8.0};
  now.summary.query = Latency{1000, 2.0, 1.0, 3.0, 4.0, 8.0};
  return now;
}

Finding only(const Situation& now) {
  const auto found = find_bottlenecks(now);
  EXPECT_THAT(found, SizeIs(1));
  return found.empty() ? Finding{} : found.front();
}

TEST(Bottleneck, NothingIsAtItsLimit) {
  EXPECT_THAT(find_bottlenecks(quiet()), IsEmpty());
  EXPECT_THAT(find_bottlenecks(Situation{}), IsEmpty());
}

TEST(Bottleneck, MuchMemoryInTheBuffers) {
  auto now = quiet();
  now.memory_share = 0.89;
  EXPECT_THAT(find_bottlenecks(now), IsEmpty());
  now.memory_share = 0.9;
  now.summary.buffered_bytes = 1000;
  now.cache_bytes = 999;
  const auto found = only(now);
  EXPECT_EQ(found.what, Bottleneck::memory);
  EXPECT_EQ(found.setting, "buffer.hybrid_buffer.max_size");
  EXPECT_EQ(found.value, "6");
  EXPECT_THAT(found.suggestion, HasSubstr("reduce"));
  EXPECT_THAT(found.reason, HasSubstr("90 %"));
}

TEST(Bottleneck, MuchMemoryInTheCache) {
  auto now = quiet();
  now.memory_share = 0.95;
  now.cache_bytes = 1;
  EXPECT_EQ(only(now).setting, "buffer.query.cache_size");
}

TEST(Bottleneck, WritesThatFailBecauseTheStoreNeedsTheWholeTimeout) {
  auto now = quiet();
  now.summary.components[TimedComponent::store] = {2, 30'000'000'000};  // 15 s each, half of 30 s
  EXPECT_THAT(find_bottlenecks(now), IsEmpty());
  now.summary.failed_batches = 1;
  const auto found = only(now);
  EXPECT_EQ(found.what, Bottleneck::timeouts);
  EXPECT_EQ(found.setting, "buffer.performance.flush_timeout");
  EXPECT_EQ(found.value, "30000ms");
  now.summary.components[TimedComponent::store] = {2, 29'000'000'000};
  EXPECT_THAT(find_bottlenecks(now), IsEmpty());
}

TEST(Bottleneck, FlushWorkersThatTakeTheCpusAway) {
  auto now = quiet();
  now.summary.threads[ThreadClass::flush] = {3, 16.0};
  now.summary.threads[ThreadClass::shard] = {2, 15.9};
  EXPECT_THAT(find_bottlenecks(now), IsEmpty());
  now.summary.threads[ThreadClass::shard] = {2, 16.0};  // 32 s of 40 s
  const auto found = only(now);
  EXPECT_EQ(found.what, Bottleneck::cpu);
  EXPECT_EQ(found.setting, "buffer.performance.max_flush_workers");
  EXPECT_EQ(found.value, "3");
}

TEST(Bottleneck, AShardThatIsFullWhileCpusAreIdle) {
  auto now = quiet();
  now.summary.shard_utilization = 0.79;
  EXPECT_THAT(find_bottlenecks(now), IsEmpty());
  now.summary.shard_utilization = 0.8;
  const auto found = only(now);
  EXPECT_EQ(found.setting, "server.shards");
  EXPECT_EQ(found.value, "2");
}

TEST(Bottleneck, CpusThatAreAllBusyWithRequests) {
  auto now = quiet();
  now.summary.threads[ThreadClass::shard] = {4, 36.0};
  now.summary.components[TimedComponent::token_count] = {10, 5000};
  now.summary.components[TimedComponent::journal_wait] = {10, 9000};  // a wait is nobody's work
  const auto found = only(now);
  EXPECT_EQ(found.what, Bottleneck::cpu);
  EXPECT_EQ(found.setting, "");
  EXPECT_THAT(found.suggestion, HasSubstr("token_count"));
}

TEST(Bottleneck, WorkersThatWaitForTheStoreGetLargerBatches) {
  auto now = quiet();
  now.summary.worker_utilization = 0.79;
  now.summary.queued_batches = 49;
  EXPECT_THAT(find_bottlenecks(now), IsEmpty());
  now.summary.worker_utilization = 0.8;
  now.summary.components[TimedComponent::store] = {10, 500};
  now.summary.components[TimedComponent::embedding] = {10, 500};
  const auto found = only(now);
  EXPECT_EQ(found.what, Bottleneck::throughput);
  EXPECT_EQ(found.setting, "buffer.hybrid_buffer.max_size");
  EXPECT_THAT(found.suggestion, HasSubstr("increase"));
}

TEST(Bottleneck, AQueueBehindWorkersThatMakeVectorsGetsMoreOfThem) {
  auto now = quiet();
  now.summary.queued_batches = 50;
  now.summary.components[TimedComponent::store] = {10, 499};
  now.summary.components[TimedComponent::embedding] = {10, 500};
  EXPECT_EQ(only(now).setting, "buffer.performance.max_flush_workers");
}

TEST(Bottleneck, SlowWritesThatWaitForTheJournal) {
  auto now = quiet();
  now.summary.write = Latency{100, 200.0, 1, 1, 249.0, 1};
  EXPECT_THAT(find_bottlenecks(now), IsEmpty());
  now.summary.write->p95_ms = 250.0;
  now.summary.components[TimedComponent::journal_wait] = {100, 100 * 100'000'000ull};
  const auto found = only(now);
  EXPECT_EQ(found.what, Bottleneck::latency);
  EXPECT_EQ(found.setting, "journal.durability");
  EXPECT_EQ(found.value, "fsync");
}

TEST(Bottleneck, SlowWritesThatDoNot) {
  auto now = quiet();
  now.summary.write = Latency{100, 200.0, 1, 1, 300.0, 1};
  EXPECT_EQ(only(now).setting, "buffer.enabled");
  EXPECT_EQ(only(now).value, "true");
  now.settings.buffered = false;
  EXPECT_EQ(only(now).value, "false");
}

TEST(Bottleneck, SlowQueries) {
  auto now = quiet();
  now.summary.query->p95_ms = 250.0;
  EXPECT_EQ(only(now).what, Bottleneck::latency);
  EXPECT_EQ(only(now).setting, "buffer.query.cache_size");
}

TEST(Bottleneck, ACacheThatIsTooSmall) {
  auto now = quiet();
  now.summary.cache_hit_rate = 0.19;
  now.summary.queries = 99;
  EXPECT_THAT(find_bottlenecks(now), IsEmpty());
  now.summary.queries = 100;
  now.summary.cache_evictions = 1;
  EXPECT_EQ(only(now).what, Bottleneck::cache);
  EXPECT_EQ(only(now).setting, "buffer.query.cache_size");
  now.summary.cache_evictions = 0;
  EXPECT_EQ(only(now).setting, "buffer.query.similarity_threshold");
  EXPECT_EQ(only(now).value, "0.95");
  now.summary.cache_hit_rate = 0.2;
  EXPECT_THAT(find_bottlenecks(now), IsEmpty());
}

TEST(Bottleneck, WhatEndangersComesFirst) {
  auto now = quiet();
  now.summary.cache_hit_rate = 0.0;
  now.summary.queries = 1000;
  now.memory_share = 1.0;
  now.summary.worker_utilization = 1.0;
  const auto found = find_bottlenecks(now);
  ASSERT_THAT(found, SizeIs(3));
  EXPECT_EQ(found[0].what, Bottleneck::memory);
  EXPECT_EQ(found[1].what, Bottleneck::throughput);
  EXPECT_EQ(found[2].what, Bottleneck::cache);
}

TEST(Bottleneck, TheBusiestComponentIsTheOneThatWorksMost) {
  Summary summary;
  EXPECT_EQ(busiest_component(summary), TimedComponent::count);
  summary.components[TimedComponent::flush] = {1, 1000};
  EXPECT_EQ(busiest_component(summary), TimedComponent::count);
  summary.components[TimedComponent::store] = {1, 10};
  summary.components[TimedComponent::embedding] = {5, 20};
  EXPECT_EQ(busiest_component(summary), TimedComponent::embedding);
}

}  // namespace
}  // namespace holdfast::metrics
