// What an acknowledgement promises: the record is there after a crash, in order, whatever fails.
#include <gmock/gmock.h>

#include <algorithm>
#include <future>
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

// The power fails at any moment, with records queued, in the middle of a write or of a sync, and the disk
// keeps some of what was not synced: whatever was promised before is replayed, in the order of the promises.
TEST_F(JournalFixture, APowerCutUnderLoadLosesNothingThatWasPromised) {
  constexpr int kRounds = 60;
  std::uint64_t ticket = 0;
  std::vector<std::string> durable;
  for (std::uint32_t round = 0; round < kRounds; ++round) {
    open();
    std::vector<std::string> found = replayed_contents();
    // What was found once is found for ever after.
    ASSERT_GE(found.size(), durable.size());
    std::size_t at = 0;
    for (const auto& content : found) at += at < durable.size() && content == durable[at];
    ASSERT_EQ(at, durable.size()) << "round " << round;
    {
      const std::lock_guard lock(mutex);
      order.clear();
      completed.clear();
    }
    std::thread appender([&] {
      for (unsigned i = 0; i < 100; ++i) {
        ++ticket;
        append(ticket, std::to_string(ticket), i % 2);
      }
    });
    wait(round * 100 + 1 + round % 90);
    auto tickets = promised();
    files.crash_keeping_some(round);
    appender.join();
    journal.reset();
    std::sort(tickets.begin(), tickets.end());  // order of the one appending thread
    durable = std::move(found);
    for (const auto promised_ticket : tickets) durable.push_back(std::to_string(promised_ticket));
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

// Every Nth call of every kind fails, once or from then on, at a start with something to recover or later:
// what was acknowledged is there after a power cut, in order, and nothing that was never submitted.
TEST_F(JournalFixture, NoFailureMakesAFalseAcknowledgement) {
  int cases = 0;
  for (const auto call : {io::Call::open, io::Call::list, io::Call::read, io::Call::write, io::Call::sync,
                          io::Call::preallocate, io::Call::truncate, io::Call::sync_directory,
                          io::Call::remove, io::Call::rename}) {
    for (const auto& error : {retryable("EIO"), overloaded("ENOSPC"), permanent("EMFILE")}) {
      for (const bool for_ever : {false, true}) {
        for (int nth = 1;; ++nth) {
          SCOPED_TRACE(testing::Message() << "call " << static_cast<int>(call) << " number " << nth << " "
                                          << error.message << (for_ever ? " for ever" : ""));
          files.clear();
          open();
          std::vector<std::string> acknowledged, submitted;
          const auto send = [&](const std::string& content) {
            submitted.push_back(content);
            if (put(content) > 0) acknowledged.push_back(content);
          };
          for (int i = 0; i < 3; ++i) send("before " + std::to_string(i));
          journal.reset();
          const auto calls = files.calls(call);
          files.fail(call, nth, error, for_ever);
          probe = std::make_unique<metrics::JournalProbe>();
          epoch = 0;
          auto opened = Journal::open(
              options(), files, []() -> Result<Lsn> { return Lsn{0}; }, *probe);
          if (opened) {
            journal = std::move(*opened);
            start();
            const auto ready = journal->replay([](ReplayedRecord) {});
            for (int i = 0; ready && i < 25; ++i) send(std::to_string(i) + std::string(200, 'y'));
          }
          const bool fired = files.calls(call) - calls >= static_cast<std::uint64_t>(nth);
          files.fail(call, 0, {});
          crash_and_restart();
          ++cases;
          std::size_t at = 0, known = 0;
          for (const auto& content : replayed_contents()) {
            if (at < acknowledged.size() && acknowledged[at] == content) ++at;
            while (known < submitted.size() && submitted[known] != content) ++known;
          }
          ASSERT_EQ(at, acknowledged.size()) << "an acknowledged record is missing or out of order";
          ASSERT_LT(known, submitted.size() + replayed.empty()) << "a record that nobody sent";
          journal.reset();
          if (!fired) break;
        }
      }
    }
  }
  std::printf("cases: %d\n", cases);
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

TEST_F(JournalFixture, AFullQueueRefuses) {
  auto small = options();
  small.max_queued_bytes = 1000;
  open_with(small);
  const std::string large(2000, 'q');
  append(1, large);
  EXPECT_EQ(wait(1).error->kind, ErrorKind::overloaded);
  EXPECT_EQ(probe->refused.value(), 1u);
  EXPECT_GT(put("small"), 0u);
}

TEST_F(JournalFixture, OneCallAShardDeliversAGroup) {
  auto chosen = options();
  chosen.segment_bytes = 1 << 20;
  open_without_start(chosen);
  std::promise<void> gathered;
  auto gate = gathered.get_future();
  std::vector<std::pair<unsigned, std::vector<std::uint64_t>>> calls;
  journal->start(3, [&](unsigned shard, const std::vector<Completion>& completions) {
    if (calls.empty()) gate.wait();  // the second group gathers meanwhile
    calls.emplace_back(shard, std::vector<std::uint64_t>());
    for (const auto& completion : completions) calls.back().second.push_back(completion.ticket);
  });
  append(1, "first", 0);
  while (files.calls(io::Call::sync) < 2) std::this_thread::yield();  // of the header and of the first record
  for (std::uint64_t ticket = 2; ticket < 8; ++ticket) append(ticket, "x", ticket % 2 ? 0 : 2);
  gathered.set_value();
  journal->stop();
  using Call = std::pair<unsigned, std::vector<std::uint64_t>>;
  EXPECT_THAT(calls, ElementsAre(Call{0, {1}}, Call{0, {3, 5, 7}}, Call{2, {2, 4, 6}}));
}

// After a failed sync the flush side keeps draining, and what it stored is not asked for again.
TEST_F(JournalFixture, APoisonedJournalStillTakesAcknowledgements) {
  open();
  std::vector<Lsn> lsns;
  for (int i = 0; i < 60; ++i) lsns.push_back(put(std::string(200, 'a')));
  const auto before = segment_files();
  files.fail(io::Call::sync, 1, retryable("EIO"), true);
  append(1, "lost");
  ASSERT_TRUE(wait(1).error);
  journal->acknowledge(lsns);
  journal->stop();
  EXPECT_LT(segment_files(), before);
}

// The disk is full when the daemon starts: what is in the journal is told, and appends wait for space.
TEST_F(JournalFixture, AStartOnAFullDiskReplaysAndResumes) {
  open();
  ASSERT_GT(put("before"), 0u);
  for (const bool anything_there : {true, false}) {
    files.crash();
    if (!anything_there) files.clear();
    files.fail(io::Call::preallocate, 1, overloaded("ENOSPC"), true);
    journal.reset();
    open();
    EXPECT_EQ(replayed.size(), anything_there ? 1u : 0u);
    EXPECT_EQ(put("refused"), 0u);
    EXPECT_EQ(completed[last_ticket].error->kind, ErrorKind::overloaded);
    files.fail(io::Call::preallocate, 0, {});
    EXPECT_GT(put("after"), 0u);
    crash_and_restart();
    EXPECT_EQ(replayed_contents().back(), "after");
  }
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
