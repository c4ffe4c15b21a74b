#include "holdfast/transfer/line_reader.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "text_file.hpp"

namespace holdfast::transfer {
namespace {

using testing::ElementsAre;

std::vector<std::string> read_all(std::string_view text, std::size_t buffer_size,
                                  std::size_t max_line = 100) {
  const TextFile file(text);
  LineReader reader(file.descriptor(), {}, buffer_size, max_line);
  std::vector<std::string> lines;
  for (;;) {
    const auto line = reader.next();
    EXPECT_TRUE(line);
    if (!*line) return lines;
    lines.push_back(std::to_string((*line)->number) + "@" + std::to_string((*line)->end) + " " +
                    ((*line)->too_long ? "too long" : (*line)->text));
  }
}

TEST(LineReader, LinesAreTheSameWhateverTheBufferCuts) {
  for (const std::size_t buffer : {1, 2, 3, 5, 1000}) {
    EXPECT_THAT(read_all("one\n\ntwo\r\nlast", buffer),
                ElementsAre("1@4 one", "2@5 ", "3@10 two", "4@14 last"));
    EXPECT_THAT(read_all("one\n", buffer), ElementsAre("1@4 one"));
    EXPECT_THAT(read_all("", buffer), ElementsAre());
  }
}

TEST(LineReader, ALongLineIsToldWithoutItsTextAndTheNextOneIsWhole) {
  for (const std::size_t buffer : {1, 3, 1000}) {
    EXPECT_THAT(read_all("12345\n123456\n1\n", buffer, 5),
                ElementsAre("1@6 12345", "2@13 too long", "3@15 1"));
  }
}

TEST(LineReader, GoesOnCountingFromWhereItBegins) {
  const TextFile file("one\ntwo\n");
  ASSERT_EQ(::lseek(file.descriptor(), 4, SEEK_SET), 4);
  LineReader reader(file.descriptor(), {1, 4}, 10, 10);
  const auto line = reader.next();
  EXPECT_EQ((*line)->text, "two");
  EXPECT_EQ((*line)->number, 2u);
  EXPECT_EQ((*line)->end, 8u);
}

TEST(LineReader, WhatCannotBeReadIsAnError) {
  LineReader reader(-1, {}, 10, 10);
  EXPECT_FALSE(reader.next());
}

}  // namespace
}  // namespace holdfast::transfer
