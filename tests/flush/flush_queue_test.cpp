#include "holdfast/flush/flush_queue.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

namespace holdfast::flush {
namespace {

using testing::ElementsAre;

Job job(const std::string& id, Priority priority) {
  Job made;
  made.batch.id = id;
  made.priority = priority;
  return made;
}

std::vector<std::string> ids(const std::vector<Job>& jobs) {
  std::vector<std::string> out;
  for (const auto& one : jobs) out.push_back(one.batch.id);
  return out;
}

struct FlushQueueTest : testing::Test {
  metrics::FlushProbe probe;
  FlushQueue queue{4, probe};
  void push(const std::string& id, Priority priority) {
    ASSERT_TRUE(queue.reserve());
    queue.push(job(id, priority));
  }
};

TEST_F(FlushQueueTest, CriticalBeforeLowAndOldestFirstAmongEquals) {
  push("low", Priority::low);
  push("normal", Priority::normal);
  push("critical 1", Priority::critical);
  push("critical 2", Priority::critical);
  EXPECT_THAT(ids(queue.pop(3)), ElementsAre("critical 1", "critical 2", "normal"));
  EXPECT_THAT(ids(queue.pop(3)), ElementsAre("low"));
}

TEST_F(FlushQueueTest, ABatchIsAddedWhileFewerOperationsThanTheLimitAreTaken) {
  for (const auto* id : {"a", "b", "c"}) {
    auto made = job(id, Priority::normal);
    made.batch.operations.resize(10);
    ASSERT_TRUE(queue.reserve());
    queue.push(std::move(made));
  }
  EXPECT_THAT(ids(queue.pop(3, 1'000'000, 11)), ElementsAre("a", "b"));
  EXPECT_THAT(ids(queue.pop(3, 1'000'000, 1)), ElementsAre("c"));
}

TEST_F(FlushQueueTest, IsBoundedFromTheReservationOn) {
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(queue.reserve());
  EXPECT_FALSE(queue.reserve());
  EXPECT_EQ(queue.depth(), 4u);
  queue.push(job("a", Priority::low));
  EXPECT_FALSE(queue.reserve());
  queue.pop(1);
  EXPECT_TRUE(queue.reserve());
}

TEST_F(FlushQueueTest, DrainsAfterClosingThenEnds) {
  push("last", Priority::low);
  queue.close();
  EXPECT_THAT(ids(queue.pop(5)), ElementsAre("last"));
  EXPECT_TRUE(queue.pop(5).empty());
}

TEST_F(FlushQueueTest, WakesAWaitingWorker) {
  std::vector<std::string> taken;
  std::thread worker([&] { taken = ids(queue.pop(1)); });
  push("a", Priority::normal);
  worker.join();
  EXPECT_THAT(taken, ElementsAre("a"));
  EXPECT_EQ(probe.queued.value(), 1u);
  EXPECT_EQ(probe.taken.value(), 1u);
}

}  // namespace
}  // namespace holdfast::flush
