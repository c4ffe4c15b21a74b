// What an acknowledgement promises: the record is there after a crash, in order, whatever fails.
#include <gmock/gmock.h>

#include <random>
#include <thread>

#include "journal_fixture.hpp"

namespace holdfast::journal {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST_F(JournalFixture, EveryCompletedRecordIsReplayedInOrderAfterPowerLoss) {
  std::mt19937 random(11);
  std::vector<std::string> acknowledged;
  open();
  for (int round = 0; round < 30; ++round) {
    const auto count = random() % 40;
    for (std::size_t i = 0; i < count; ++i) {
      const auto content = std::to_string(round) + "." + std::to_string(i) + std::string(random() % 300, 'x');
      ASSERT_GT(put(content), 0u);
      acknowledged.push_back(content);
    }
    crash_and_restart();
    ASSERT_EQ(replayed_contents(), acknowledged);
  }
}

TEST_F(JournalFixture, ConcurrentAppendsAreCompletedInTheOrderOfTheirShard) {
  open();
  std::vector<std::thread> threads;
  for (unsigned shard = 0; shard < 2; ++shard) {
    threads.emplace_back([this, shard] {
      for (std::uint64_t i = 0; i < 500; ++i) append(shard * 1000 + i, std::to_string(i), shard);
    });
  }
  for (auto& thread : threads) thread.join();
  wait(499);
  wait(1499);
  const std::lock_guard lock(mutex);
  std::uint64_t next[2] = {0, 1000};
  for (const auto ticket : order) EXPECT_EQ(ticket, next[ticket / 1000]++);
  EXPECT_EQ(order.size(), 1000u);
}

TEST_F(JournalFixture, AFailedSyncIsNeitherAcknowledgedNorTriedAgain) {
  open();
  ASSERT_GT(put("before"), 0u);
  files.fail(io::Call::sync, 1, retryable("EIO"));
  append(1, "lost");
  const auto failed = wait(1);
  ASSERT_TRUE(failed.error);
  EXPECT_EQ(failed.error->kind, ErrorKind::retryable);
  const auto syncs = files.calls(io::Call::sync);
  append(2, "after");  // the disk would take it again, but nothing is known of the file any more
  EXPECT_TRUE(wait(2).error);
  EXPECT_EQ(probe->failed.value(), 1u);
  journal->stop();
  EXPECT_EQ(files.calls(io::Call::sync), syncs);
  crash_and_restart();
  EXPECT_THAT(replayed_contents(), ElementsAre("before"));
  EXPECT_GT(put("works again"), 0u);
}

TEST_F(JournalFixture, AFailedWriteIsNotAcknowledged) {
  open();
  files.fail(io::Call::write, 1, retryable("EIO"));
  append(1, "lost");
  EXPECT_TRUE(wait(1).error);
}

// Every Nth write, sync, preallocation, open and directory sync fails once: nothing that was acknowledged is
// missing.
TEST_F(JournalFixture, NoSingleFailureMakesAFalseAcknowledgement) {
  for (const auto call :
       {io::Call::open, io::Call::write, io::Call::sync, io::Call::preallocate, io::Call::sync_directory}) {
    for (int nth = 1; nth <= 25; ++nth) {
      files.crash();
      for (const auto& name : *files.list("/j")) ASSERT_TRUE(files.remove("/j/" + name));
      ASSERT_TRUE(files.sync_directory("/j"));
      open();
      files.fail(call, nth, call == io::Call::preallocate ? overloaded("ENOSPC") : retryable("EIO"));
      std::vector<std::string> acknowledged;
      for (int i = 0; i < 40; ++i) {
        const auto content = std::to_string(i) + std::string(200, 'y');
        if (put(content) > 0) acknowledged.push_back(content);
      }
      files.fail(call, 0, {});
      crash_and_restart();
      ASSERT_EQ(replayed_contents(), acknowledged) << "call " << static_cast<int>(call) << ", number " << nth;
      journal.reset();
    }
  }
}

TEST_F(JournalFixture, AFullDiskRefusesAndResumes) {
  open();
  files.fail(io::Call::preallocate, 1, overloaded("ENOSPC"), true);
  std::vector<std::string> acknowledged;
  int refused = 0;
  for (int i = 0; i < 60; ++i) {
    const auto content = std::to_string(i) + std::string(100, 'z');
    if (put(content) > 0) {
      acknowledged.push_back(content);
    } else {
      ++refused;
    }
  }
  EXPECT_GT(refused, 0);
  EXPECT_EQ(probe->failed.value(), 0u);
  files.fail(io::Call::preallocate, 0, {});
  ASSERT_GT(put("space again"), 0u);
  acknowledged.push_back("space again");
  crash_and_restart();
  EXPECT_EQ(replayed_contents(), acknowledged);
}

TEST_F(JournalFixture, StopCommitsEverythingQueued) {
  for (const auto mode : {Durability::none, Durability::os, Durability::fsync}) {
    durability = mode;
    open();
    for (std::uint64_t i = 0; i < 200; ++i) append(i, "r" + std::to_string(i));
    journal->stop();
    EXPECT_EQ(completed.size(), 200u);
    crash_and_restart();
    EXPECT_EQ(replayed.size(), 200u);
    std::vector<Lsn> lsns;
    for (const auto& record : replayed) lsns.push_back(record.lsn);
    journal->acknowledge(lsns);
    restart();
    EXPECT_THAT(replayed_contents(), IsEmpty());
    completed.clear();
  }
}

TEST_F(JournalFixture, AfterStopAppendsAreRefused) {
  open();
  journal->stop();
  append(1, "late");
  EXPECT_EQ(wait(1).error->kind, ErrorKind::shutting_down);
}

}  // namespace
}  // namespace holdfast::journal
