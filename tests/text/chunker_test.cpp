#include "holdfast/text/chunker.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <string>

#include "holdfast/text/features.hpp"

namespace holdfast::text {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(Chunker, ATextThatFitsIsOneChunk) {
  EXPECT_THAT(split_text("", 8, {}), IsEmpty());
  EXPECT_THAT(split_text("12345678", 8, {}), ElementsAre("12345678"));
}

TEST(Chunker, CutsBehindWordsAndRepeatsSome) {
  EXPECT_THAT(split_text("one two tea four five", 12, {0.0}), ElementsAre("one two tea ", "four five"));
  EXPECT_THAT(split_text("aa bb cc dd ee ff", 12, {0.25}), ElementsAre("aa bb cc dd ", "dd ee ff"));
}

TEST(Chunker, CutsBetweenCharactersWhereThereIsNoSpace) {
  EXPECT_THAT(split_text("中文日本語", 7, {0.0}), ElementsAre("中文", "日本", "語"));
  EXPECT_THAT(split_text("aaaaaaaaaa", 4, {0.5}), ElementsAre("aaaa", "aaaa", "aaaa", "aaaa"));
}

// Of random texts: chunks fit, cover the text in order, overlap no more than asked for, divide no character.
TEST(Chunker, ChunksCoverTheText) {
  std::mt19937_64 random(1);
  const char* parts[] = {"a", "word", " ", "é", "中", "👍", "\n", "longer-than-most"};
  for (int round = 0; round < 3000; ++round) {
    std::string text;
    for (auto left = random() % 60; left > 0; --left) text += parts[random() % std::size(parts)];
    const std::size_t room = 4 + random() % 40;
    const double overlap = static_cast<double>(random() % 6) / 10;
    const auto chunks = split_text(text, room, {overlap});
    std::size_t covered = 0, previous = 0;
    for (std::size_t i = 0; i < chunks.size(); ++i) {
      const auto begin = static_cast<std::size_t>(chunks[i].data() - text.data());
      ASSERT_FALSE(chunks[i].empty());
      ASSERT_LE(chunks[i].size(), room);
      ASSERT_LE(begin, covered);
      ASSERT_TRUE(i == 0 || begin > previous);
      ASSERT_LE(static_cast<double>(covered - begin), overlap * static_cast<double>(room) + 3);
      ASSERT_NE(static_cast<unsigned char>(chunks[i][0]) & 0xC0, 0x80);
      previous = begin;
      covered = begin + chunks[i].size();
    }
    ASSERT_EQ(covered, text.size());
  }
}

// What is said last in a very long message is found, and weighs as much as in a short one.
TEST(Features, TheEndOfALongTextHasAVector) {
  const auto& embedder = builtin_embedder();
  std::string text;
  while (text.size() < 100'000) text += "we talked about the weather again and again ";
  text += "Caroline adopted a hedgehog";
  const auto features = extract_features(text, embedder);
  EXPECT_GE(features.vectors.size() / embedder.dimensions(), text.size() / embedder.max_bytes());
  EXPECT_EQ(features.vectors.size() % embedder.dimensions(), 0u);
  const auto query = embedder.embed("Caroline adopted a hedgehog");
  const auto without = extract_features(text.substr(0, 100'000), embedder);
  EXPECT_GT(similarity_to_chunks(query, features.vectors),
            similarity_to_chunks(query, without.vectors) + 0.05);
}

TEST(Features, AChunkWithNothingToEmbedHasNoVector) {
  const auto& embedder = builtin_embedder();
  EXPECT_EQ(extract_features(std::string(10'000, '!') + " word", embedder).vectors, embedder.embed("word"));
}

}  // namespace
}  // namespace holdfast::text
