#include "holdfast/text/scorer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace holdfast::text {
namespace {

PreparedQuery query(std::vector<std::string> terms) {
  return {std::move(terms), {}};
}

TEST(Scorer, IsBm25OverItsMaximum) {
  // One term in 1 of 3 documents: idf = ln(1 + 2.5 / 1.5); tf 2, length 4, mean 2: norm = 1.2 * (0.25 + 0.75
  // * 2).
  const Scorer scorer(query({"kite"}), {3, 6, {1}}, SourceFilter::keyword);
  const double norm = 1.2 * (0.25 + 0.75 * 2.0);
  EXPECT_NEAR(scorer.keyword(std::vector<std::uint32_t>{2}, 4), 2.0 / (2.0 + norm), 1e-12);
}

TEST(Scorer, RareTermsWeighMore) {
  const Scorer scorer(query({"rare", "common"}), {100, 1000, {1, 90}}, SourceFilter::all);
  EXPECT_GT(scorer.keyword(std::vector<std::uint32_t>{1, 0}, 10),
            3 * scorer.keyword(std::vector<std::uint32_t>{0, 1}, 10));
}

TEST(Scorer, StaysBetweenZeroAndOne) {
  const Scorer scorer(query({"a", "b"}), {0, 0, {5, 5}}, SourceFilter::all);
  for (const std::uint32_t tf : {0u, 1u, 1000u}) {
    const auto keyword = scorer.keyword(std::vector<std::uint32_t>{tf, tf}, 1);
    EXPECT_GE(keyword, 0);
    EXPECT_LE(scorer.combine(keyword, 1.0), 1.0);
  }
}

TEST(Scorer, FiltersChooseThePart) {
  const auto q = query({"a"});
  const CorpusStats stats{10, 50, {2}};
  EXPECT_EQ(Scorer(q, stats, SourceFilter::keyword).combine(0.5, 1.0), 0.5);
  EXPECT_EQ(Scorer(q, stats, SourceFilter::vector).combine(0.5, 1.0), 1.0);
  EXPECT_FALSE(Scorer(q, stats, SourceFilter::graph).is_result(1, 1));
  EXPECT_TRUE(Scorer(q, stats, SourceFilter::all).is_result(0.01, 0));
  EXPECT_FALSE(Scorer(q, stats, SourceFilter::vector).is_result(1, 0));
}

TEST(Scorer, MessagesBeforeCountAsFurtherReasons) {
  const auto q = query({"a"});
  const CorpusStats stats{10, 50, {2}};
  const Scorer scorer(q, stats, SourceFilter::all);
  EXPECT_EQ(scorer.in_context(0.3, {0, 0}), 0.3);  // to the last bit
  EXPECT_NEAR(scorer.in_context(0.3, {0.8, 0.4}), 1 - 0.7 * (1 - 0.5 * 0.8) * (1 - 0.25 * 0.4), 1e-12);
  EXPECT_GT(scorer.in_context(0, {0.1, 0}), scorer.in_context(0, {0, 0.1}));
  EXPECT_LE(scorer.in_context(1, {1, 1}), 1.0);
  EXPECT_EQ(scorer.in_context(0, {0, 0}), 0.0);
}

TEST(Scorer, WithAFilterAnItemCountsByItself) {
  const auto q = query({"a"});
  const CorpusStats stats{10, 50, {2}};
  EXPECT_EQ(Scorer(q, stats, SourceFilter::keyword).in_context(0.3, {1, 1}), 0.3);
  EXPECT_EQ(Scorer(q, stats, SourceFilter::vector).in_context(0.3, {1, 1}), 0.3);
}

TEST(CorpusStats, AddUpWithMissingFrequenciesAsZero) {
  CorpusStats sum{1, 2, {}};
  sum += {3, 4, {5, 6}};
  sum += {1, 1, {1}};
  EXPECT_EQ(sum.documents, 5u);
  EXPECT_EQ(sum.total_length, 7u);
  EXPECT_THAT(sum.document_frequency, testing::ElementsAre(6, 6));
}

TEST(PreparedQueryTest, TermsAreDistinct) {
  const auto prepared = prepare_query("painting paints PAINTED kites", builtin_embedder());
  EXPECT_THAT(prepared.terms, testing::ElementsAre("paint", "kite"));
  const std::vector<std::string> document{"kite", "paint", "kite"};
  EXPECT_THAT(term_frequencies(prepared, document), testing::ElementsAre(1, 2));
}

}  // namespace
}  // namespace holdfast::text
