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
  const auto keyword = [&](double own, double one_before, double two_before) {
    return scorer.in_context({own, {}}, {{{one_before, {}}, {two_before, {}}}}).keyword;
  };
  EXPECT_EQ(keyword(0.3, 0, 0), 0.3);  // to the last bit
  EXPECT_NEAR(keyword(0.3, 0.8, 0.4), 1 - 0.7 * (1 - 0.5 * 0.8) * (1 - 0.25 * 0.4), 1e-12);
  EXPECT_GT(keyword(0, 0.1, 0), keyword(0, 0, 0.1));
  EXPECT_LE(keyword(1, 1, 1), 1.0);
  EXPECT_EQ(keyword(0, 0, 0), 0.0);
}

TEST(Scorer, SimilarityIsTheMessagesOwnOrThatOfItsWindow) {
  const auto q = query({"a"});
  const CorpusStats stats{10, 50, {2}};
  const OwnParts own{0, 0.6};
  const PartsBefore both{{{0, 0.4}, {0, 0.2}}};
  const auto similarity = [&](SourceFilter filter, ChunkStrategy strategy, const OwnParts& of,
                              const PartsBefore& before) {
    return Scorer(q, stats, filter, strategy).in_context(of, before).similarity;
  };
  using enum ChunkStrategy;
  const double window = (0.6 + 0.5 * 0.4 + 0.25 * 0.2) / 1.75;
  EXPECT_EQ(similarity(SourceFilter::all, message, own, both), 0.6);
  EXPECT_NEAR(similarity(SourceFilter::all, contextual, own, both), window, 1e-12);
  EXPECT_NEAR(similarity(SourceFilter::vector, contextual, own, both), window, 1e-12);
  EXPECT_EQ(similarity(SourceFilter::keyword, contextual, own, both), 0.6);
  EXPECT_EQ(similarity(SourceFilter::all, contextual, own, {}), 0.6) << "the first of its session";
  EXPECT_NEAR(similarity(SourceFilter::all, contextual, own, {{{0, {}}, {0, 0.2}}}),
              (0.6 + 0.25 * 0.2) / 1.25, 1e-12)
      << "what has no vector is left out";
  EXPECT_EQ(similarity(SourceFilter::all, contextual, {0.5, {}}, both), 0) << "no vector, no window";
}

TEST(Scorer, WithAFilterAnItemCountsByItself) {
  const auto q = query({"a"});
  const CorpusStats stats{10, 50, {2}};
  const PartsBefore before{{{1, 1}, {1, 1}}};
  for (const auto filter : {SourceFilter::keyword, SourceFilter::vector})
    EXPECT_EQ(Scorer(q, stats, filter).in_context({0.3, 0.2}, before), (JoinedParts{0.3, 0.2}));
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
  EXPECT_THAT(term_frequencies(prepared, analyze("kite, paint, kites")), testing::ElementsAre(1, 2));
}

}  // namespace
}  // namespace holdfast::text
