// Which rewordings may share an answer and, above all, which may not.
#include "holdfast/cache/query_words.hpp"

#include <gtest/gtest.h>

#include <utility>

namespace holdfast::cache {
namespace {

struct Pair {
  const char* one;
  const char* other;
};

bool may_share(const Pair& pair, bool same_content) {
  const auto one = query_words(pair.one), other = query_words(pair.other);
  const bool may = may_share_answer(one, other, same_content);
  EXPECT_EQ(may, may_share_answer(other, one, same_content)) << pair.one << " / " << pair.other;
  return may;
}

// Asking the opposite, or for another number, person, place, time or direction.
constexpr Pair kFlipped[] = {
    {"Does Caroline like hiking?", "Does Caroline not like hiking?"},
    {"Does Caroline like hiking?", "Doesn't Caroline like hiking?"},
    {"Does Caroline like hiking?", "Does Caroline dislike hiking?"},
    {"Did Jon ever open the studio?", "Did Jon never open the studio?"},
    {"Can I return it with the receipt?", "Can I return it without the receipt?"},
    {"What did she do before the race?", "What did she do after the race?"},
    {"Which of them is older?", "Which of them is younger?"},
    {"What was the first book she read?", "What was the last book she read?"},
    {"Who has more pets?", "Who has fewer pets?"},
    {"Is the allergy test positive?", "Is the allergy test negative?"},
    {"How do I turn the heating on?", "How do I turn the heating off?"},
    {"Is Melanie happy with her job?", "Is Melanie unhappy with her job?"},
    {"What happened in 2022?", "What happened in 2023?"},
    {"How many of the 3 kids swim?", "How many of the 4 kids swim?"},
    {"Who has two children?", "Who has three children?"},
    {"What did they do in May?", "What did they do in June?"},
    {"What did Caroline research?", "What did Melanie research?"},
    {"Did Caroline call Melanie?", "Did Melanie call Caroline?"},
    {"did caroline call Melanie", "Did Melanie call Caroline?"},
    {"How do I fly from Paris to Rome?", "How do I fly from Rome to Paris?"},
    {"Caroline went where?", "Melanie went where?"},
    {"When did Gina lose her job?", "Where did Gina lose her job?"},
    {"Who lost the job?", "Why lost the job?"},
    {"What is my dog called?", "What is your dog called?"},
    {"What did he buy?", "What did she buy?"},
    {"Should all users be notified?", "Should some users be notified?"},
    {"What will John do?", "What should John do?"},
    {"What did he buy and sell?", "What did he sell and buy?"},
};

TEST(QueryWords, AFlippedQuestionNeverSharesAnAnswer) {
  for (const auto& pair : kFlipped) {
    EXPECT_FALSE(may_share(pair, true)) << pair.one << " / " << pair.other;
    EXPECT_FALSE(may_share(pair, false)) << pair.one << " / " << pair.other;
  }
}

TEST(QueryWords, ARewordingMayShareAnAnswer) {
  constexpr Pair kReworded[] = {
      {"What did Caroline research?", "what did caroline research"},
      {"What did Caroline research?", "WHAT DID CAROLINE RESEARCH"},
      {"What did Caroline research?", "What has Caroline researched?"},
      {"Which book did she read?", "What book did she read?"},
  };
  for (const auto& pair : kReworded) EXPECT_TRUE(may_share(pair, true)) << pair.one << " / " << pair.other;
  // Words that only ask are searched for by keyword too, so these need sentence vectors.
  constexpr Pair kAskedOtherwise[] = {
      {"What did Caroline research?", "Please, what did Caroline research?"},
      {"What did Caroline research?", "Can you tell me what Caroline did research? Thanks!"},
      {"When did Melanie run the race?", "At what time did Melanie run the race?"},
      {"Why did Jon start a studio?", "How come Jon did start a studio?"},
  };
  for (const auto& pair : kAskedOtherwise) {
    EXPECT_TRUE(may_share(pair, false)) << pair.one << " / " << pair.other;
    EXPECT_FALSE(may_share(pair, true)) << pair.one << " / " << pair.other;
  }
}

TEST(QueryWords, OtherContentWordsNeedSentenceVectorsAndEnglish) {
  const Pair paraphrase{"Where does Caroline work?", "Where is the office of Caroline?"};
  EXPECT_FALSE(may_share(paraphrase, true));
  EXPECT_TRUE(may_share(paraphrase, false));
  const Pair german{"Mag Anna gern wandern", "Mag Anna nicht wandern"};
  EXPECT_FALSE(may_share(german, false));
  EXPECT_FALSE(may_share({"蓝色 风筝", "红色 风筝"}, false));
}

TEST(QueryWords, EmptyAndOneWordTextsShareNothing) {
  for (const auto* text : {"", "  ?", "kite", "please kite", "please"}) {
    EXPECT_FALSE(may_share({text, text}, true)) << text;
    EXPECT_FALSE(may_share({text, text}, false)) << text;
  }
}

}  // namespace
}  // namespace holdfast::cache
