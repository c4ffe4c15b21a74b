#include "holdfast/text/embedder.hpp"

#include <gtest/gtest.h>

namespace holdfast::text {
namespace {

double alike(std::string_view a, std::string_view b) {
  const auto& embedder = character_ngram_embedder();
  return similarity(embedder.embed(a), embedder.embed(b));
}

TEST(CharacterNgrams, SimilarSpellingsAreSimilar) {
  EXPECT_NEAR(alike("Caroline went hiking", "caroline  WENT hiking!"), 1.0, 1e-9);
  EXPECT_GT(alike("Caroline", "Carolina"), 0.4);
  EXPECT_GT(alike("photography", "photographer"), alike("photography", "gardening") + 0.3);
}

TEST(CharacterNgrams, NothingToEmbedGivesNoVector) {
  EXPECT_TRUE(character_ngram_embedder().embed("").empty());
  EXPECT_TRUE(character_ngram_embedder().embed("?!").empty());
  EXPECT_EQ(similarity({}, character_ngram_embedder().embed("word")), 0.0);
}

TEST(CharacterNgrams, VectorsOfOtherDimensionsAreNotCompared) {
  EXPECT_EQ(similarity(Embedding{1, 2}, Embedding{1, 2, 3}), 0.0);
}

// A stored vector must mean the same on the next start and on another machine.
TEST(CharacterNgrams, AreTheSameEverywhere) {
  const auto vector = character_ngram_embedder().embed("holdfast");
  ASSERT_EQ(vector.size(), character_ngram_embedder().dimensions());
  std::uint64_t digest = 1469598103934665603u;
  for (const auto component : vector)
    digest = (digest ^ static_cast<std::uint8_t>(component)) * 1099511628211u;
  EXPECT_EQ(digest, 7714958924978475718u);
}

}  // namespace
}  // namespace holdfast::text
