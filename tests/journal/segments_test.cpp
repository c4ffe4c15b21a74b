// Segments: acknowledged ones go, oldest first; numbers never come back; the directory has one owner.
#include <gmock/gmock.h>

#include <atomic>
#include <future>
#include <thread>

#include "journal_fixture.hpp"

namespace holdfast::journal {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST_F(JournalFixture, AcknowledgedRecordsAreNotReplayed) {
  open();
  const auto first = put("first");
  put("second");
  const auto third = put("third");
  journal->acknowledge({first, third});
  restart();
  EXPECT_THAT(replayed_contents(), ElementsAre("second"));
  EXPECT_EQ(summary.acknowledged, 0u);  // they were left behind when the segment was written again
}

TEST_F(JournalFixture, SegmentsAreDeletedFromTheOldestOnceAllOfThemIsAcknowledged) {
  open();
  std::vector<Lsn> lsns;
  for (int i = 0; i < 60; ++i) lsns.push_back(put(std::string(200, 'a')));
  const auto before = segment_files();
  ASSERT_GT(before, 3u);
  journal->acknowledge({lsns.begin() + 1, lsns.end()});  // all but the very first
  put("wakes the journal");
  EXPECT_GE(segment_files(), before);
  journal->acknowledge({lsns[0], lsns[0], 999'999});  // repeated and unknown ones do no harm
  restart();
  EXPECT_THAT(replayed_contents(), ElementsAre("wakes the journal"));
  EXPECT_LT(segment_files(), before);
}

TEST_F(JournalFixture, ACleanDrainedStopLeavesNothingToReplay) {
  open();
  journal->acknowledge({put("a"), put("b")});
  restart();
  EXPECT_THAT(replayed_contents(), IsEmpty());
  EXPECT_EQ(segment_files(), 1u);
}

TEST_F(JournalFixture, AnOpenDeletesTheAcknowledgedSegmentsInFrontOnly) {
  open();
  std::vector<Lsn> lsns;
  for (int i = 0; i < 60; ++i) lsns.push_back(put(std::to_string(i) + std::string(200, 'a')));
  const auto before = segment_files();
  ASSERT_GE(before, 4u);
  const auto middle = lsns[30];
  std::erase(lsns, middle);
  journal->acknowledge(lsns);
  restart();
  EXPECT_THAT(replayed, testing::SizeIs(1));
  EXPECT_LT(segment_files(), before);
  EXPECT_GE(segment_files(), 3u);  // the one in the middle, what is behind it, the fresh one
  journal->acknowledge({middle});
  restart();
  EXPECT_EQ(segment_files(), 1u);
  EXPECT_THAT(replayed_contents(), IsEmpty());
}

TEST_F(JournalFixture, AcknowledgementsRideWithTheNextGroup) {
  open();
  const auto first = put("first");
  journal->acknowledge({first});
  put("second");
  crash_and_restart();
  EXPECT_THAT(replayed_contents(), ElementsAre("second"));
}

TEST_F(JournalFixture, AnIdleJournalWritesAcknowledgementsByItself) {
  open();
  journal->acknowledge({put("first")});
  const auto writes = files.calls(io::Call::write);
  while (files.calls(io::Call::write) == writes) std::this_thread::yield();
}

// After a power cut that undoes unsynced removals by chance, no newer segment is gone when an older one is
// there.
TEST_F(JournalFixture, OlderSegmentsAreGoneForGoodBeforeNewerOnesGo) {
  for (std::uint32_t seed = 0; seed < 50; ++seed) {
    files.clear();
    open();
    std::vector<Lsn> lsns;
    for (int i = 0; i < 60; ++i) lsns.push_back(put(std::string(200, 'a')));
    files.fail(io::Call::sync_directory, 1 + static_cast<int>(seed % 3), retryable("EIO"), true);
    journal->acknowledge(lsns);
    journal->stop();
    files.fail(io::Call::sync_directory, 0, {});
    const auto names = segment_names();
    files.crash_keeping_some(seed);
    const auto left = segment_names();
    ASSERT_FALSE(left.empty());
    for (const auto& name : names) ASSERT_THAT(left, testing::Contains(name));
    const auto number = [](const std::string& name) { return std::stoull(name, nullptr, 16); };
    for (std::size_t i = 1; i < left.size(); ++i)
      ASSERT_EQ(number(left[i]), number(left[i - 1]) + 1) << "a gap";
  }
}

TEST_F(JournalFixture, LsnsOnlyGrowOverRestartsAndOverWhatTheStoreHasSeen) {
  open(500);
  const auto first = put("a");
  EXPECT_GT(first, 500u);
  journal->acknowledge({first});
  restart();
  restart();
  const auto second = put("b");
  EXPECT_GT(second, first);
}

// An erasure must stay as long as what it erases could be replayed, and is itself replayed as long as it is
// there.
TEST_F(JournalFixture, ErasuresAreReplayedWhileTheyAreInTheJournal) {
  open();
  put("kept");
  const Operation erase = EraseRecord{"u", "s", {"gone"}};
  journal->append({Submission{0, 0, 77, RecordType::erase, encode(erase), {}}});
  journal->acknowledge({wait(77).lsn});
  restart();
  ASSERT_EQ(replayed.size(), 2u);
  EXPECT_TRUE(std::holds_alternative<EraseRecord>(replayed[1].operation));
}

TEST_F(JournalFixture, AnEmptyAcknowledgementCompletesWhenThoseBeforeItAreOnTheDisk) {
  open();
  journal->acknowledge({put("stored")});
  journal->append({Submission{0, 0, 77, RecordType::acknowledge, {}, {}}});
  EXPECT_FALSE(wait(77).error);
  crash_and_restart();
  EXPECT_TRUE(replayed.empty());
}

TEST_F(JournalFixture, AFileSystemThatDoesNotKnowItsDataCostsNoRecord) {
  open();
  for (int i = 0; i < 50; ++i) put(std::to_string(i) + std::string(1000, ' '));
  files.hides_data = true;
  crash_and_restart();
  EXPECT_EQ(replayed.size(), 50u);
}

TEST_F(JournalFixture, NothingIsDeletedBeforeItIsReplayed) {
  open();
  std::vector<Lsn> lsns;
  for (int i = 0; i < 60; ++i) lsns.push_back(put(std::string(200, 'a')));
  open_without_start(options());
  start();
  journal->acknowledge(lsns);
  const auto writes = files.calls(io::Call::write);
  while (files.calls(io::Call::write) == writes) std::this_thread::yield();
  replay();
  EXPECT_EQ(replayed.size(), lsns.size());
  journal.reset();
  EXPECT_EQ(segment_files(), 1u);
}

TEST_F(JournalFixture, ADirectoryHasOneOwner) {
  open();
  metrics::JournalProbe other;
  const auto second = Journal::open(
      options(), files, []() -> Result<Lsn> { return Lsn{0}; }, other);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().kind, ErrorKind::permanent);
}

TEST_F(JournalFixture, BeyondMaxBytesAppendsAreRefusedUntilTheStoreCatchesUp) {
  auto small = options();
  small.max_bytes = 3 * small.segment_bytes;
  open_with(small);
  std::vector<Lsn> lsns;
  Lsn lsn = 0;
  while ((lsn = put(std::string(200, 'b'))) > 0) lsns.push_back(lsn);
  EXPECT_EQ(completed[last_ticket].error->kind, ErrorKind::overloaded);
  EXPECT_EQ(probe->full.value(), 1u);
  journal->acknowledge(lsns);
  EXPECT_GT(put("again"), 0u);  // acknowledgements are taken in first
  EXPECT_EQ(probe->full.value(), 0u);
}

// The next segment's space is taken before it is needed.
TEST_F(JournalFixture, AFullDiskShowsWhileThereIsStillASegmentToFill) {
  open();
  files.fail(io::Call::preallocate, 1, overloaded("ENOSPC"), true);
  std::size_t taken = 0;
  while (put(std::string(200, 'b')) > 0) ++taken;
  EXPECT_EQ(segment_files(), 2u);
  EXPECT_GE(taken, 2 * (options().segment_bytes - 4160) / 600);
  EXPECT_EQ(probe->reserve_missing.value(), 1u);
  files.fail(io::Call::preallocate, 0, {});
  EXPECT_GT(put("again"), 0u);
}

// Its thread is busy with ticket 0 until released: what is appended meanwhile stays in the queue.
struct BusyJournal : JournalFixture {
  std::promise<void> busy, release;
  std::atomic<bool> first = true;

  void start_busy(const Options& chosen) {
    open_without_start(chosen);
    start([this] {
      if (!first.exchange(false)) return;
      busy.set_value();
      release.get_future().wait();
    });
    replay();
    append(0, "first");
    busy.get_future().wait();
  }
  // The first of them is refused, and what was appended after it on its shard, but nothing else.
  void expect_refused(const std::vector<std::uint64_t>& refused, std::uint64_t appended) {
    release.set_value();
    for (std::uint64_t ticket = 0; ticket < appended; ++ticket) {
      const bool expected = std::find(refused.begin(), refused.end(), ticket) != refused.end();
      EXPECT_EQ(wait(ticket).error.has_value(), expected) << ticket;
    }
    EXPECT_GT(epoch.load(), 0u);
    append(appended, "seen");
    EXPECT_FALSE(wait(appended).error);
    journal.reset();
    for (std::uint64_t ticket = 0; ticket <= appended; ++ticket) EXPECT_EQ(order[ticket], ticket);
  }
};

// Whoever numbers messages must not have a later one accepted where an earlier one was refused.
TEST_F(BusyJournal, NothingSubmittedBeforeARefusalWasSeenSucceedsAfterIt) {
  auto small = options();
  small.max_queued_bytes = 10'000;  // a record takes its content twice here, as its id too
  start_busy(small);
  append(1, std::string(3'000, 'l'));
  append(2, std::string(3'000, 'l'));  // does not fit
  append(3, "x");                      // would
  append(4, "of another shard", 1);
  expect_refused({2, 3}, 5);
}

TEST_F(BusyJournal, NorWhereTheDiskHasNoRoomForTheEarlierOne) {
  auto small = options();
  small.max_bytes = 4 * segment_bytes;
  start_busy(small);
  append(1, "x");
  append(2, std::string(2'200'000, 'l'));  // ends a group, which is more than the journal may take
  append(3, "x");
  expect_refused({1, 2, 3}, 4);
}

TEST_F(JournalFixture, AKeyIsFoundAgainForItsWindowAlsoWhenItsAppendIsStored) {
  for (const bool still_needed : {true, false}) {
    files.clear();
    auto chosen = options();
    chosen.key_window = std::chrono::minutes(10);
    open_with(chosen);
    AppendRecord record = append_of("keyed");
    record.idempotency_key = "k";
    record.accepted_at =
        system_clock().now() - (still_needed ? std::chrono::minutes(9) : std::chrono::minutes(11));
    const Operation operation = record;
    journal->append({Submission{0, 0, 5, RecordType::append, encode(operation), record.accepted_at}});
    std::vector<Lsn> lsns{wait(5).lsn};
    for (int i = 0; i < 80; ++i) lsns.push_back(put(std::string(200, 'a')));
    journal->acknowledge(lsns);
    for (int again = 0; again < 3; ++again) {
      open_with(chosen);
      ASSERT_EQ(replayed.size(), still_needed ? 1u : 0u) << again;
      if (still_needed) {
        EXPECT_TRUE(replayed[0].stored);
      }
    }
    completed.clear();
  }
}

// Everybody would be refused for the sake of a repeat that may never come.
TEST_F(JournalFixture, WhereSpaceIsShortAKeyDoesNotKeepItsSegment) {
  for (const bool disk : {false, true}) {
    files.clear();
    auto small = options();
    small.key_window = std::chrono::minutes(10);
    if (!disk) small.max_bytes = 4 * small.segment_bytes;
    open_with(small);
    const auto put_keyed = [&](const std::string& content) {
      AppendRecord record = append_of(content);
      record.idempotency_key = "k";
      record.accepted_at = system_clock().now();
      journal->append({Submission{0, epoch, ++last_ticket, RecordType::append, encode(Operation(record)),
                                  record.accepted_at}});
      const auto lsn = wait(last_ticket).lsn;
      journal->acknowledge({lsn});
      return lsn;
    };
    while (segment_files() < 3) ASSERT_GT(put_keyed(std::string(200, 'a')), 0u) << disk;
    EXPECT_EQ(probe->segments_deleted.value(), 0u) << disk;
    ASSERT_GT(put("not stored yet"), 0u);
    if (disk) files.fail(io::Call::preallocate, 1, overloaded("ENOSPC"), true);
    while (probe->segments_deleted_early.value() < 2) {
      ASSERT_GT(put_keyed(std::string(200, 'b')), 0u) << disk;
    }
    files.fail(io::Call::preallocate, 0, {});
    EXPECT_EQ(probe->full.value(), 0u) << disk;
    open_with(small);
    EXPECT_THAT(replayed_contents(), testing::Contains("not stored yet")) << disk;
    completed.clear();
  }
}

// It is copied in several writes, each of which may fail.
TEST_F(JournalFixture, ALargeSegmentIsWrittenAgainWholeOrNotAtAll) {
  segment_bytes = 16u << 20;
  open();
  std::vector<std::string> contents;
  for (char letter = 'a'; letter < 'i'; ++letter) contents.emplace_back(500'000, letter);
  for (const auto& content : contents) ASSERT_GT(put(content), 0u);
  metrics::JournalProbe unused;
  const auto open_only = [&] {
    return Journal::open(
        options(), files, []() -> Result<Lsn> { return Lsn{0}; }, unused);
  };
  journal.reset();
  for (int nth = 2; nth <= 5; ++nth) {  // the first is the header's
    files.fail(io::Call::write, nth, retryable("EIO"));
    EXPECT_FALSE(open_only()) << nth;
  }
  files.fail(io::Call::write, 0, {});
  open();
  EXPECT_EQ(replayed_contents(), contents);
}

TEST_F(JournalFixture, RecordsAreReadAgainFromAnyPlaceWhileOthersAreWritten) {
  open();
  std::vector<Lsn> lsns;
  for (int i = 0; i < 100; ++i) lsns.push_back(put("r" + std::to_string(i) + std::string(100, ' ')));
  std::vector<Lsn> read;
  ReadPosition at{0, 0, lsns[9]};
  while (at.lsn < lsns.back()) {
    std::size_t taken = 0;
    const auto next = journal->read(at, lsns.back(), [&](ReplayedRecord record) {
      read.push_back(record.lsn);
      return ++taken < 7;
    });
    ASSERT_TRUE(next);
    ASSERT_GT(next->lsn, at.lsn);
    at = *next;
    put("meanwhile");
  }
  EXPECT_EQ(read, std::vector(lsns.begin() + 10, lsns.end()));
}

TEST_F(JournalFixture, WhatIsAcknowledgedIsNotReadAgain) {
  open();
  std::vector<Lsn> lsns;
  for (int i = 0; i < 5; ++i) lsns.push_back(put("r" + std::to_string(i)));
  journal->acknowledge({lsns[1], lsns[3]});
  put("the journal has taken note by now");
  std::vector<Lsn> read;
  const auto visit = [&](const ReplayedRecord& record) {
    read.push_back(record.lsn);
    return true;
  };
  ASSERT_TRUE(journal->read({0, 0, lsns[0]}, lsns[4], visit));
  EXPECT_THAT(read, ElementsAre(lsns[2], lsns[4]));
}

TEST_F(JournalFixture, ARecordLargerThanASegmentGetsOneOfItsOwn) {
  open();
  const std::string large(20'000, 'c');
  ASSERT_GT(put(large), 0u);
  ASSERT_GT(put("small"), 0u);
  crash_and_restart();
  EXPECT_THAT(replayed_contents(), ElementsAre(large, "small"));
}

}  // namespace
}  // namespace holdfast::journal
