#include "holdfast/flush/dead_letters.hpp"

#include <gtest/gtest.h>

#include "fakes/memory_file_system.hpp"

namespace holdfast::flush {
namespace {

DeadLetter letter(Lsn lsn) {
  DeadLetter made;
  made.id = dead_letter_id(lsn, "m");
  made.user_id = "u";
  made.session_id = "s";
  made.message_id = "m";
  made.operation = "insert";
  made.reason = "no";
  made.attempts = 3;
  made.died_at = Timestamp{std::chrono::seconds{5}};
  made.type = 1;
  made.payload = std::string("\0bytes", 6);
  return made;
}

struct DeadLettersTest : testing::Test {
  io::MemoryFileSystem files;
  std::unique_ptr<DeadLetters> open() { return std::move(*DeadLetters::open(files, "/d")); }
};

TEST_F(DeadLettersTest, WhatIsPutSurvivesAPowerCutAndWhatIsRemovedStaysAway) {
  ASSERT_TRUE(open()->put(letter(1)));
  ASSERT_TRUE(open()->put(letter(2)));
  files.crash();
  auto letters = open();
  ASSERT_EQ(letters->count(), 2u);
  const auto found = letters->find(letter(1).id);
  ASSERT_TRUE(found && *found);
  EXPECT_EQ((*found)->payload, letter(1).payload);
  EXPECT_EQ((*found)->reason, "no");
  EXPECT_EQ((*found)->attempts, 3u);
  EXPECT_EQ((*found)->died_at, letter(1).died_at);
  EXPECT_TRUE(*letters->remove(letter(1).id));
  EXPECT_FALSE(*letters->remove(letter(1).id));
  files.crash();
  EXPECT_EQ(open()->list(10).size(), 1u);
}

TEST_F(DeadLettersTest, TheSameOperationIsTheSameLetter) {
  auto letters = open();
  ASSERT_TRUE(letters->put(letter(1)));
  ASSERT_TRUE(letters->put(letter(1)));
  EXPECT_EQ(letters->count(), 1u);
}

TEST_F(DeadLettersTest, AFailedWriteLeavesNoLetter) {
  auto letters = open();
  for (const auto call : {io::Call::write, io::Call::sync, io::Call::rename, io::Call::sync_directory}) {
    files.fail(call, 1, retryable("EIO"));
    EXPECT_FALSE(letters->put(letter(1)));
    EXPECT_EQ(letters->count(), 0u);
  }
  EXPECT_TRUE(letters->put(letter(1)));
}

// Ids come from the network and become file names.
TEST_F(DeadLettersTest, OtherIdsAreNotFound) {
  auto letters = open();
  for (const auto* id : {"", "x", "../../etc/passwd", "/etc/passwd"}) {
    const auto found = letters->find(id);
    ASSERT_TRUE(found);
    EXPECT_FALSE(*found);
    EXPECT_FALSE(*letters->remove(id));
  }
}

TEST_F(DeadLettersTest, DamagedFilesAreLeftAlone) {
  ASSERT_TRUE(open()->put(letter(1)));
  const io::Path path = "/d/" + letter(1).id + ".letter";
  auto bytes = files.content(path);
  bytes[bytes.size() / 2] ^= 1;
  files.set_content(path, bytes);
  EXPECT_EQ(open()->count(), 0u);
  EXPECT_EQ(files.content(path), bytes);
}

}  // namespace
}  // namespace holdfast::flush
