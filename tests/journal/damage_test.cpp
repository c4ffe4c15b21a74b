// Damaged journals: nothing valid is lost, nothing invalid is believed, nothing crashes.
#include <gmock/gmock.h>

#include <cstdlib>

#include "holdfast/journal/inspect.hpp"
#include "journal/segment_format.hpp"
#include "journal_fixture.hpp"

namespace holdfast::journal {
namespace {

struct DamagedJournal : JournalFixture {
  const io::Path segment = "/j/0000000000000001.journal";
  std::string intact;  // without the zeros behind the last record
  std::vector<std::string> contents;

  void SetUp() override {
    // HOLDFAST_FULL: a log of 64 KiB instead of a small one.
    const bool full = std::getenv("HOLDFAST_FULL") != nullptr;
    if (full) segment_bytes = 80'000;
    open();
    for (int i = 0; i < (full ? 165 : 6); ++i) {
      contents.push_back("record " + std::to_string(i) + std::string(full ? 130 : 0, ' '));
      put(contents.back());
    }
    journal.reset();  // seals the segment
    intact = files.content(segment);
  }

  void reopen_with(std::string damaged) {
    read(std::move(damaged));
    start();
  }

  // Without a thread: for thousands of cases.
  void read(std::string damaged) {
    journal.reset();
    files.clear();
    files.set_content(segment, std::move(damaged));
    open_without_start(options());
    replay();
  }
};

TEST_F(DamagedJournal, ATailTornAtAnyByteLosesOnlyWhatItTouches) {
  std::size_t least = 0;
  std::printf("cases: %zu\n",
              1 + intact.size() - kRecordsOffset + intact.size() * 8);  // with the flipped bits
  for (std::size_t cut = intact.size(); cut >= kRecordsOffset; --cut) {
    read(intact.substr(0, cut));
    const auto found = replayed_contents();
    ASSERT_LE(found.size(), contents.size());
    for (std::size_t i = 0; i < found.size(); ++i) ASSERT_EQ(found[i], contents[i]) << cut;
    least = found.size();
  }
  EXPECT_EQ(least, 0u);
  start();
  EXPECT_GT(put("goes on"), 0u);
}

TEST_F(DamagedJournal, ATornTailFollowedByZerosIsSetAside) {
  auto torn = intact.substr(0, intact.size() - 20);
  torn.resize(16'384);
  reopen_with(torn);
  EXPECT_EQ(replayed.size(), contents.size() - 1);
  EXPECT_GT(summary.torn_bytes, 0u);
  EXPECT_FALSE(files.content("/j/0000000000000001.journal.broken").empty());
}

TEST_F(DamagedJournal, ATornTailIsCopiedBeforeItIsCutOff) {
  const auto torn = intact.substr(0, intact.size() - 20);
  reopen_with(torn);
  const auto copy = files.content(segment.string() + ".broken");  // but for zeros at the end
  const auto begin = torn.find(copy);
  ASSERT_NE(begin, std::string::npos);
  EXPECT_EQ(torn.find_first_not_of('\0', begin + copy.size()), std::string::npos);
  files.crash();
  open();
  EXPECT_EQ(replayed.size(), contents.size() - 1);
  EXPECT_EQ(summary.torn_bytes, 0u);  // counted once
  EXPECT_EQ(summary.damaged_regions, 0u);
}

// No copy, no cut: also when an earlier copy has the name already, or none can be made.
TEST_F(DamagedJournal, ATornTailThatCannotBeCopiedStays) {
  const auto torn = intact.substr(0, intact.size() - 20);
  journal.reset();
  files.clear();
  files.set_content(segment, torn);
  files.set_content(segment.string() + ".broken", "an earlier one");
  files.fail(io::Call::write, 1, overloaded("ENOSPC"));
  open();
  EXPECT_EQ(files.content(segment), torn);
  EXPECT_EQ(files.content(segment.string() + ".broken"), "an earlier one");
  EXPECT_EQ(replayed.size(), contents.size() - 1);
}

// Every single bit of the file: of the segment's header, of its copy, of the zeros between and of the
// records.
TEST_F(DamagedJournal, AnyFlippedBitLosesAtMostOneRecordAndTheRestIsDelivered) {
  for (std::size_t bit = 0; bit < intact.size() * 8; bit += bit == kSegmentHeaderBytes * 8 ? 8 * 4000 : 1) {
    auto damaged = intact;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << bit % 8));
    read(damaged);
    const auto found = replayed_contents();
    ASSERT_GE(found.size(), contents.size() - (bit < kRecordsOffset * 8 ? 0 : 1)) << "bit " << bit;
    std::size_t at = 0;  // found is a subsequence of contents
    for (const auto& content : contents) at += at < found.size() && found[at] == content;
    ASSERT_EQ(at, found.size()) << "bit " << bit;
    if (found.size() < contents.size()) {
      ASSERT_GT(summary.torn_bytes + summary.damaged_regions, 0u) << "lost, but not reported: bit " << bit;
    }
  }
}

TEST_F(DamagedJournal, DamagedBytesAreCopiedAndTheRestIsWrittenAgain) {
  auto damaged = intact;
  const auto at = kRecordsOffset + kRecordHeaderBytes;
  damaged[at] ^= 1;
  reopen_with(damaged);
  EXPECT_EQ(summary.damaged_regions, 1u);
  EXPECT_EQ(summary.first_lost, 1u);
  EXPECT_EQ(summary.last_lost, 1u);
  EXPECT_EQ(probe->damaged_regions.value(), 1u);
  const auto copy = files.content(segment.string() + ".damaged-" + std::to_string(kRecordsOffset));
  EXPECT_EQ(copy, damaged.substr(kRecordsOffset, copy.size()));
  EXPECT_EQ(replayed.size(), contents.size() - 1);
  restart();
  EXPECT_EQ(summary.damaged_regions, 0u);
  EXPECT_EQ(replayed.size(), contents.size() - 1);
}

TEST_F(DamagedJournal, DamageThatCannotBeCopiedStaysWhereItIs) {
  auto damaged = intact;
  damaged[kRecordsOffset + kRecordHeaderBytes] ^= 1;
  journal.reset();
  files.clear();
  files.set_content(segment, damaged);
  files.fail(io::Call::write, 1, overloaded("ENOSPC"));
  open();
  EXPECT_EQ(files.content(segment), damaged);
  EXPECT_EQ(replayed.size(), contents.size() - 1);
}

TEST_F(DamagedJournal, AFileWithoutAHeaderIsRenamedNotDeleted) {
  auto damaged = intact;
  damaged[10] ^= 1;
  damaged[kHeaderCopyOffset + 10] ^= 1;
  reopen_with(damaged);
  EXPECT_TRUE(replayed.empty());
  EXPECT_EQ(summary.damaged_regions, 1u);
  EXPECT_EQ(files.content(segment.string() + ".broken"), damaged);
  EXPECT_GT(put("goes on"), 0u);
}

// What a power cut leaves of a segment that was just being made.
TEST_F(DamagedJournal, AnEmptySegmentIsNoDamage) {
  journal.reset();
  for (const std::size_t size : {0, 100, 8192}) {
    files.clear();
    files.set_content(segment, intact);
    const io::Path empty = "/j/0000000000000002.journal";
    files.set_content(empty, std::string(size, '\0'));
    open_without_start(options());
    replay();
    EXPECT_EQ(replayed_contents(), contents);
    EXPECT_EQ(summary.damaged_regions, 0u);
    EXPECT_THAT(*files.list("/j"), testing::Not(testing::Contains(empty.filename().string())));
    journal.reset();
  }
}

TEST_F(DamagedJournal, AnotherVersionIsRefusedAndLeftAlone) {
  journal.reset();
  files.clear();
  auto other = encode_segment_header({1, 5, 1, kVersion + 1});
  other.resize(8192, 'x');
  files.set_content(segment, other);
  metrics::JournalProbe unused;
  const auto opened = Journal::open(
      options(), files, []() -> Result<Lsn> { return Lsn{0}; }, unused);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().kind, ErrorKind::permanent);
  EXPECT_EQ(files.content(segment), other);
}

// A killed process leaves the preallocated rest of its segment, which need not wait for the store.
TEST_F(DamagedJournal, UnusedSpaceIsGivenBack) {
  auto killed = intact;
  killed.resize(1 << 20);
  reopen_with(killed);
  EXPECT_EQ(replayed_contents(), contents);
  EXPECT_LT(probe->disk_bytes.value(), 3 * options().segment_bytes);
}

// After a failed sync nobody knows what of a file is on disk, so none is relied on twice.
TEST_F(DamagedJournal, TheLastSegmentIsWrittenAgainAndRemoved) {
  reopen_with(intact);
  EXPECT_EQ(*files.list("/j"), (std::vector<std::string>{"0000000000000002.journal", "reserve"}));
  const auto lsn = replayed.back().lsn;
  journal->acknowledge({replayed[0].lsn});
  EXPECT_GT(put("new"), lsn);
  crash_and_restart();
  auto expected = std::vector(contents.begin() + 1, contents.end());
  expected.push_back("new");
  EXPECT_EQ(replayed_contents(), expected);
}

// The power goes between the copy and the removal: both are there, and each record once.
TEST_F(DamagedJournal, ACopiedSegmentThatWasNotRemovedIsNotReplayedTwice) {
  journal.reset();
  files.fail(io::Call::remove, 3, retryable("EIO"), true);  // behind the leftovers of the two names
  metrics::JournalProbe unused;
  ASSERT_FALSE(Journal::open(
      options(), files, []() -> Result<Lsn> { return Lsn{0}; }, unused));
  files.fail(io::Call::remove, 0, {});
  EXPECT_EQ(segment_files(), 2u);
  open();
  EXPECT_EQ(replayed_contents(), contents);
  EXPECT_EQ(segment_files(), 1u);
}

// A group is told of as a whole or not at all.
TEST_F(DamagedJournal, AGroupWithoutItsLastRecordIsDropped) {
  const auto header = decode_segment_header(intact);
  ASSERT_TRUE(header);
  const Operation first = append_of("half"), second = append_of("other half");
  for (const bool complete : {true, false}) {
    auto bytes = intact;
    append_record(bytes, header->salt, 7, RecordType::append, encode(first), 0);
    if (complete) append_record(bytes, header->salt, 8, RecordType::append, encode(second));
    read(bytes);
    EXPECT_EQ(replayed.size(), contents.size() + (complete ? 2 : 0));
    EXPECT_EQ(summary.torn_bytes > 0, !complete);
  }
}

TEST_F(DamagedJournal, InspectionTellsRangesCountsAndDamageAndChangesNothing) {
  auto damaged = intact;
  const auto at = damaged.find("record 2");
  damaged[at] ^= 1;
  journal.reset();
  files.clear();
  files.set_content(segment, damaged);
  const auto found = inspect(files, "/j");
  ASSERT_TRUE(found);
  ASSERT_EQ(found->segments.size(), 1u);
  const auto& told = found->segments[0];
  EXPECT_EQ(told.first_lsn, 1u);
  EXPECT_EQ(told.last_lsn, 6u);
  EXPECT_EQ(told.appends, 5u);
  EXPECT_EQ(told.unacknowledged, 5u);
  ASSERT_EQ(told.damage.size(), 1u);
  EXPECT_EQ(told.damage[0].first_lost, 3u);
  EXPECT_EQ(told.damage[0].last_lost, 3u);
  EXPECT_THAT(to_text(*found), testing::HasSubstr("LSN 3 to 3"));
  EXPECT_TRUE(journal::damaged(*found));
  EXPECT_EQ(files.content(segment), damaged);

  files.set_content(segment, intact);
  EXPECT_FALSE(journal::damaged(*inspect(files, "/j")));
  files.set_content(segment, intact.substr(0, intact.find("record 5") + 3));  // killed while writing
  EXPECT_FALSE(journal::damaged(*inspect(files, "/j")));
  files.set_content(segment, intact);
  files.set_content("/j/0000000000000002.journal", "");  // killed while making it
  EXPECT_FALSE(journal::damaged(*inspect(files, "/j")));
  EXPECT_EQ(inspect(files, "/j")->segments.size(), 1u);
  files.set_content("/j/0000000000000002.journal", "something else");
  EXPECT_TRUE(journal::damaged(*inspect(files, "/j")));
}

// A length is believed only when the file is that long: this one would ask for 4 GiB.
TEST_F(DamagedJournal, AnAbsurdLengthIsNotBelieved) {
  auto damaged = intact;
  damaged.replace(kRecordsOffset, 4, "\xff\xff\xff\xff");
  reopen_with(damaged);
  EXPECT_EQ(replayed.size(), contents.size() - 1);
}

// Bytes of a record from another segment never validate: the salt differs.
TEST_F(DamagedJournal, RecordsOfAnotherSegmentAreNotBelieved) {
  const auto header = decode_segment_header(intact);
  ASSERT_TRUE(header);
  const Operation operation = append_of("foreign");
  // It fits in all but the salt: as what was left where a file's blocks are used again.
  for (const bool own_salt : {true, false}) {
    auto mixed = intact;
    append_record(mixed, header->salt ^ (own_salt ? 0 : 1), header->base_lsn + contents.size(),
                  RecordType::append, encode(operation));
    reopen_with(mixed);
    auto expected = contents;
    if (own_salt) expected.push_back("foreign");
    EXPECT_EQ(replayed_contents(), expected);
    if (!own_salt) {
      EXPECT_FALSE(files.content(segment.string() + ".broken").empty());
    }
  }
}

}  // namespace
}  // namespace holdfast::journal
