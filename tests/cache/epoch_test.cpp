// Statistics stand still within an epoch, its log is whole and bounded.
#include "holdfast/cache/epoch.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace holdfast::cache {
namespace {

using testing::ElementsAre;

int changes_until_the_end(std::uint64_t documents) {
  Epoch epoch;
  epoch.restart(1);
  epoch.watch();
  EXPECT_TRUE(epoch.adopt({}, {documents, documents, {}}));
  for (int changes = 1;; ++changes) {
    if (!epoch.note_change("id")) return changes;
  }
}

TEST(Epoch, EndsAfterATenthOfTheItemsButNeitherTooSoonNorTooLate) {
  EXPECT_EQ(changes_until_the_end(0), 8);
  EXPECT_EQ(changes_until_the_end(100), 10);
  EXPECT_EQ(changes_until_the_end(500), 50);
  EXPECT_EQ(changes_until_the_end(100'000), 64);
}

TEST(Epoch, LogsWhatChangesOnceItIsWatched) {
  Epoch epoch;
  epoch.restart(1);
  for (int i = 0; i < 1000; ++i) EXPECT_TRUE(epoch.note_change("nobody asks"));
  EXPECT_EQ(epoch.position(), 0u);
  epoch.watch();
  (void)epoch.note_change("a");
  const auto position = epoch.position();
  (void)epoch.note_change("b");
  (void)epoch.note_change("a");
  EXPECT_THAT(epoch.changed_since(position), ElementsAre("b", "a"));
  EXPECT_THAT(epoch.changed_since(epoch.position()), testing::IsEmpty());
}

TEST(Epoch, KeepsTheFirstStatistics) {
  Epoch epoch;
  epoch.restart(1);
  const std::vector<std::string> terms{"kite", "tea"};
  EXPECT_FALSE(epoch.frozen(terms).size);
  EXPECT_TRUE(epoch.adopt(terms, {10, 50, {3, 0}}));
  const std::vector<std::string> others{"dog", "kite"};
  const auto frozen = epoch.frozen(others);
  EXPECT_EQ(frozen.size->documents, 10u);
  EXPECT_FALSE(frozen.document_frequency[0]);
  EXPECT_EQ(frozen.document_frequency[1], 3u);
  text::CorpusStats now{12, 60, {5, 4}};
  frozen.put_over(now);
  EXPECT_EQ(now.documents, 10u);
  EXPECT_EQ(now.total_length, 50u);
  EXPECT_THAT(now.document_frequency, ElementsAre(5, 3));
  EXPECT_TRUE(epoch.adopt(others, now));
  EXPECT_EQ(epoch.frozen(others).document_frequency[0], 5u);
  epoch.restart(2);
  EXPECT_FALSE(epoch.frozen(others).document_frequency[0]);
}

TEST(Epoch, RefusesStatisticsThatAreNotItsOwn) {
  Epoch epoch;
  epoch.restart(1);
  const std::vector<std::string> terms{"kite"};
  EXPECT_TRUE(epoch.adopt(terms, {10, 50, {3}}));
  EXPECT_FALSE(epoch.adopt(terms, {10, 50, {4}}));
  EXPECT_FALSE(epoch.adopt(terms, {11, 50, {3}}));
  EXPECT_TRUE(epoch.adopt(terms, {10, 50, {3}}));
}

TEST(Epoch, KnowsABoundedNumberOfTerms) {
  Epoch epoch;
  epoch.restart(1);
  std::vector<std::string> terms;
  for (std::size_t i = 0; i <= Epoch::kMostTerms; ++i) terms.push_back(std::to_string(i));
  EXPECT_FALSE(epoch.adopt(terms, {1, 1, std::vector<std::uint64_t>(terms.size())}));
  EXPECT_FALSE(epoch.full());
  terms.pop_back();
  EXPECT_TRUE(epoch.adopt(terms, {1, 1, std::vector<std::uint64_t>(terms.size())}));
  EXPECT_TRUE(epoch.full());
}

}  // namespace
}  // namespace holdfast::cache
