#include "holdfast/text/embedder.hpp"

#include <gtest/gtest.h>

#include <cmath>

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

TEST(SimilarityToChunks, IsTheLargestOverTheChunks) {
  const Embedding query{3, 4, 0};
  const std::vector<std::int8_t> chunks{0, 0, 5, /**/ 4, 3, 0, /**/ -3, -4, 0};
  EXPECT_DOUBLE_EQ(similarity_to_chunks(query, chunks), 24.0 / 25.0);
  EXPECT_EQ(similarity_to_chunks(query, {}), 0.0);
  EXPECT_EQ(similarity_to_chunks({}, chunks), 0.0);
  EXPECT_EQ(similarity_to_chunks(query, std::vector<std::int8_t>{3, 4}), 0.0);
}

// The vectorised sums and the rest behind them, against sums made one by one.
TEST(SimilarityToChunks, IsExactForEverySize) {
  for (std::size_t size = 1; size < 100; ++size) {
    Embedding a(size), b(size);
    std::int64_t dot = 0, length_a = 0, length_b = 0;
    for (std::size_t i = 0; i < size; ++i) {
      a[i] = static_cast<std::int8_t>(static_cast<int>(i * 37 % 128));
      b[i] = static_cast<std::int8_t>(127 - static_cast<int>(i * 91 % 255));
      dot += a[i] * b[i], length_a += a[i] * a[i], length_b += b[i] * b[i];
    }
    const double expected = dot <= 0 ? 0
                                     : static_cast<double>(dot) / (std::sqrt(static_cast<double>(length_a)) *
                                                                   std::sqrt(static_cast<double>(length_b)));
    EXPECT_DOUBLE_EQ(similarity(a, b), expected) << size;
  }
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
