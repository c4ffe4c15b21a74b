// Damaged journals: nothing valid is lost, nothing invalid is believed, nothing crashes.
#include <gmock/gmock.h>

#include "journal_fixture.hpp"

namespace holdfast::journal {
namespace {

using testing::ElementsAre;

struct DamagedJournal : JournalFixture {
  const io::Path segment = "/j/0000000000000001.journal";
  std::string intact;  // without the zeros behind the last record
  std::vector<std::string> contents;

  void SetUp() override {
    open();
    for (int i = 0; i < 6; ++i) {
      contents.push_back("record " + std::to_string(i));
      put(contents.back());
    }
    journal.reset();  // seals the segment
    intact = files.content(segment);
  }

  void reopen_with(std::string damaged) {
    journal.reset();
    files.crash();
    for (const auto& name : *files.list("/j")) ASSERT_TRUE(files.remove("/j/" + name));
    files.set_content(segment, std::move(damaged));
    open();
  }
};

TEST_F(DamagedJournal, ATailTornAtAnyByteLosesOnlyWhatItTouches) {
  std::size_t least = 0;
  for (std::size_t cut = intact.size(); cut > 64; --cut) {
    reopen_with(intact.substr(0, cut));
    const auto found = replayed_contents();
    ASSERT_LE(found.size(), contents.size());
    for (std::size_t i = 0; i < found.size(); ++i) ASSERT_EQ(found[i], contents[i]) << cut;
    least = found.size();
    ASSERT_GT(put("goes on"), 0u);
  }
  EXPECT_EQ(least, 0u);
}

TEST_F(DamagedJournal, ATornTailFollowedByZerosIsSetAside) {
  auto torn = intact.substr(0, intact.size() - 20);
  torn.resize(4096);
  reopen_with(torn);
  EXPECT_EQ(replayed.size(), contents.size() - 1);
  EXPECT_GT(summary.torn_bytes, 0u);
  EXPECT_FALSE(files.content("/j/0000000000000001.journal.broken").empty());
}

TEST_F(DamagedJournal, AnyFlippedBitLosesAtMostOneRecordAndTheRestIsDelivered) {
  for (std::size_t bit = 64 * 8; bit < intact.size() * 8; ++bit) {
    auto damaged = intact;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << bit % 8));
    reopen_with(damaged);
    const auto found = replayed_contents();
    ASSERT_GE(found.size(), contents.size() - 1) << "bit " << bit;
    std::size_t at = 0;  // found is a subsequence of contents
    for (const auto& content : contents) at += at < found.size() && found[at] == content;
    ASSERT_EQ(at, found.size()) << "bit " << bit;
    if (found.size() < contents.size()) {
      ASSERT_GT(summary.torn_bytes + summary.damaged_regions, 0u) << "lost, but not reported: bit " << bit;
    }
  }
}

TEST_F(DamagedJournal, ADamagedSegmentHeaderIsSetAsideNotDeleted) {
  auto damaged = intact;
  damaged[10] ^= 1;
  reopen_with(damaged);
  EXPECT_TRUE(replayed.empty());
  EXPECT_EQ(summary.damaged_regions, 1u);
  EXPECT_EQ(files.content(segment.string() + ".broken"), damaged);
  EXPECT_GT(put("goes on"), 0u);
}

// Bytes of a record from another segment never validate: the salt differs.
TEST_F(DamagedJournal, RecordsOfAnotherSegmentAreNotBelieved) {
  const auto record_bytes = intact.substr(64);
  journal.reset();
  open();
  put("fresh");
  journal.reset();
  const io::Path newest = "/j/0000000000000002.journal";
  auto mixed = files.content(newest);
  const auto own = mixed.size();
  mixed += record_bytes;
  files.set_content(newest, mixed);
  open();
  std::vector<std::string> expected = contents;
  expected.push_back("fresh");
  EXPECT_EQ(replayed_contents(), expected);
  EXPECT_EQ(files.content(newest).size(), own);
}

}  // namespace
}  // namespace holdfast::journal
