// Segments: acknowledged ones go, oldest first; numbers never come back; the directory has one owner.
#include <gmock/gmock.h>

#include <algorithm>

#include "journal_fixture.hpp"

namespace holdfast::journal {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::size_t segment_files(io::MemoryFileSystem& files) {
  const auto names = *files.list("/j");
  return static_cast<std::size_t>(std::count_if(
      names.begin(), names.end(), [](const std::string& name) { return name.ends_with(".journal"); }));
}

TEST_F(JournalFixture, AcknowledgedRecordsAreNotReplayed) {
  open();
  const auto first = put("first");
  put("second");
  const auto third = put("third");
  journal->acknowledge({first, third});
  restart();
  EXPECT_THAT(replayed_contents(), ElementsAre("second"));
  EXPECT_EQ(summary.acknowledged, 2u);
}

TEST_F(JournalFixture, SegmentsAreDeletedFromTheOldestOnceAllOfThemIsAcknowledged) {
  open();
  std::vector<Lsn> lsns;
  for (int i = 0; i < 60; ++i) lsns.push_back(put(std::string(200, 'a')));
  const auto before = segment_files(files);
  ASSERT_GT(before, 3u);
  journal->acknowledge({lsns.begin() + 1, lsns.end()});  // all but the very first
  put("wakes the journal");
  EXPECT_GE(segment_files(files), before);
  journal->acknowledge({lsns[0], lsns[0], 999'999});  // repeated and unknown ones do no harm
  restart();
  EXPECT_THAT(replayed_contents(), ElementsAre("wakes the journal"));
  EXPECT_LT(segment_files(files), before);
}

TEST_F(JournalFixture, ACleanDrainedStopLeavesNothingToReplay) {
  open();
  journal->acknowledge({put("a"), put("b")});
  restart();
  EXPECT_THAT(replayed_contents(), IsEmpty());
  restart();
  EXPECT_LE(segment_files(files), 2u);
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
  journal->append(0, 77, RecordType::erase, encode(erase));
  journal->acknowledge({wait(77).lsn});
  restart();
  ASSERT_EQ(replayed.size(), 2u);
  EXPECT_TRUE(std::holds_alternative<EraseRecord>(replayed[1].operation));
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
  auto opened = Journal::open(
      small, files, []() -> Result<Lsn> { return Lsn{0}; },
      *(probe = std::make_unique<metrics::JournalProbe>()));
  ASSERT_TRUE(opened);
  journal = std::move(*opened);
  journal->start(1, [this](unsigned, std::vector<Completion> completions) {
    const std::lock_guard lock(mutex);
    for (auto& completion : completions) completed[completion.ticket] = completion;
    changed.notify_all();
  });
  ASSERT_TRUE(journal->replay([](ReplayedRecord) {}));
  std::vector<Lsn> lsns;
  Lsn lsn = 0;
  while ((lsn = put(std::string(200, 'b'))) > 0) lsns.push_back(lsn);
  EXPECT_EQ(completed[last_ticket].error->kind, ErrorKind::overloaded);
  journal->acknowledge(lsns);
  // The acknowledgements are taken in with the next wake-up of the journal, at the latest after
  // sync_interval.
  for (int tries = 0; tries < 10'000 && (lsn = put("again")) == 0; ++tries) {
  }
  EXPECT_GT(lsn, 0u);
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
