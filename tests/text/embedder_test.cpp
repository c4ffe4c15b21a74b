#include "holdfast/text/embedder.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "text/character_ngrams.hpp"

namespace holdfast::text {
namespace {

double alike(std::string_view a, std::string_view b) {
  const auto& embedder = builtin_embedder();
  return similarity(embedder.embed(a), embedder.embed(b));
}

TEST(BuiltinEmbedder, WordsOfLikeMeaningAreAlikeInEnglish) {
  EXPECT_GT(alike("The physician treated her illness", "a doctor cured the disease"),
            alike("The physician treated her illness", "he parked the bicycle outside") + 0.3);
  EXPECT_GT(alike("dog", "puppy"), alike("dog", "parliament") + 0.3);
}

TEST(BuiltinEmbedder, CaseAndPunctuationDoNotMatter) {
  EXPECT_NEAR(alike("Caroline went hiking", "caroline  WENT hiking!"), 1.0, 1e-9);
}

// "don't" and "Caroline's" are "don", "t" and "caroline", "s" with either apostrophe.
TEST(BuiltinEmbedder, WordsAreSplitAtApostrophes) {
  EXPECT_EQ(builtin_embedder().embed("Caroline's dog"), builtin_embedder().embed("Caroline s dog"));
  EXPECT_EQ(builtin_embedder().embed("Caroline’s dog"), builtin_embedder().embed("Caroline's dog"));
  EXPECT_GT(alike("Caroline's", "Caroline"), 0.85);
}

TEST(BuiltinEmbedder, FrequentWordsWeighLess) {
  EXPECT_GT(alike("people hiking", "hiking"), alike("people hiking", "people"));
}

TEST(BuiltinEmbedder, StopWordsCountOnlyWhereThereIsNothingElse) {
  const auto with = builtin_embedder().embed("the kite was over there");
  const auto without = builtin_embedder().embed("kite");
  const auto stop_words = builtin_embedder().embed("over there");
  EXPECT_GT(similarity(with, without), similarity(with, stop_words) + 0.3);
  EXPECT_GT(alike("who are you", "who are they"), 0.5);
}

TEST(BuiltinEmbedder, UnknownWordsAreKnownByTheirSpelling) {
  EXPECT_GT(alike("Zxqvlorp", "zxqvlorps"), 0.6);
  EXPECT_LT(alike("Zxqvlorp", "mgwhteny"), 0.2);
  EXPECT_GT(alike("Grzegorzewskiego", "Grzegorzewski"), 0.6);
}

TEST(BuiltinEmbedder, OtherLanguagesAreKnownByTheirSpelling) {
  EXPECT_GT(alike("Мы встретились в библиотеке", "встреча в библиотеке"),
            alike("Мы встретились в библиотеке", "погода сегодня хорошая") + 0.3);
  EXPECT_GT(alike("我昨天在图书馆看书", "昨天在图书馆"), alike("我昨天在图书馆看书", "天气很好") + 0.3);
  EXPECT_GT(alike("Glühweinverkäufer", "Glühweinverkäuferin"), 0.6);
}

// Near the end of a text they are cut out of it in another way than before.
TEST(CharacterNgrams, AreTheSameAnywhere) {
  for (const std::string word : {"kite", "кит", "k™te", "図書館"}) {
    std::string text = word;
    auto before = count_ngrams(AnalysedText(text));
    std::vector<NgramCounts> added;
    for (int i = 0; i < 5; ++i) {
      text += " " + word;
      const auto counts = count_ngrams(AnalysedText(text));
      auto& of_one = added.emplace_back();
      std::transform(counts.begin(), counts.end(), before.begin(), of_one.begin(), std::minus<>());
      before = counts;
    }
    for (const auto& of_one : added) EXPECT_EQ(of_one, added[0]) << word;
    EXPECT_NE(added[0], NgramCounts{});
  }
}

TEST(BuiltinEmbedder, NothingToEmbedGivesNoVector) {
  EXPECT_TRUE(builtin_embedder().embed("").empty());
  EXPECT_TRUE(builtin_embedder().embed("?! \xE2\x80\x99").empty());
  EXPECT_EQ(similarity({}, builtin_embedder().embed("word")), 0.0);
}

TEST(BuiltinEmbedder, TakesLongTextsWhole) {
  std::string text;
  for (int i = 0; i < 20'000; ++i) text += "parliament ";
  const auto before = builtin_embedder().embed(text);
  for (int i = 0; i < 20'000; ++i) text += "hiking ";
  EXPECT_GT(similarity(builtin_embedder().embed(text), builtin_embedder().embed("hiking")),
            similarity(before, builtin_embedder().embed("hiking")) + 0.3);
}

TEST(Similarity, VectorsOfOtherDimensionsAreNotCompared) {
  EXPECT_EQ(similarity(Embedding{1, 2}, Embedding{1, 2, 3}), 0.0);
}

TEST(WeightedMean, IsOfUnitVectors) {
  const std::vector<Embedding> vectors{{100, 0}, {0, 10}};
  EXPECT_EQ(weighted_mean(vectors, std::vector{1.0, 1.0}), (Embedding{127, 127}));
  EXPECT_EQ(weighted_mean(vectors, std::vector{4.0, 1.0}), (Embedding{127, 32}));
  EXPECT_TRUE(weighted_mean({}, {}).empty());
  EXPECT_TRUE(weighted_mean(std::vector<Embedding>{{5, 0}, {-7, 0}}, std::vector{1.0, 1.0}).empty());
}

TEST(Quantise, ScalesTheLargestTo127) {
  EXPECT_EQ(quantise(std::vector{0.5f, -1.0f, 0.0f, 0.25f}), (Embedding{64, -127, 0, 32}));
  EXPECT_EQ(quantise(std::vector{3e38f, -3e38f, 1e20f}), (Embedding{127, -127, 0}));
  EXPECT_TRUE(quantise(std::vector{0.0f, -0.0f, 1e-40f}).empty());
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
TEST(BuiltinEmbedder, IsTheSameEverywhere) {
  std::uint64_t digest = 1469598103934665603u;
  for (const auto text : {"holdfast", "We went hiking; it's what Caroline's kids love.", "図書館"}) {
    const auto vector = builtin_embedder().embed(text);
    ASSERT_EQ(vector.size(), builtin_embedder().dimensions());
    for (const auto component : vector)
      digest = (digest ^ static_cast<std::uint8_t>(component)) * 1099511628211u;
  }
  EXPECT_EQ(digest, 9685424573867914987u);
}

}  // namespace
}  // namespace holdfast::text
