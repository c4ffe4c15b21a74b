#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "holdfast/text/features.hpp"

namespace holdfast::text {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(Analyzer, LowersSplitsStopsAndStems) {
  EXPECT_THAT(analyze("The Painters were PAINTING sunrises!"), ElementsAre("painter", "paint", "sunris"));
  EXPECT_THAT(analyze("e-mail: al@example.com, 3.14"),
              ElementsAre("e", "mail", "al", "exampl", "com", "3", "14"));
  EXPECT_THAT(analyze("Don't stop, you'll win"), ElementsAre("stop", "win"));
  EXPECT_THAT(analyze(""), IsEmpty());
  EXPECT_THAT(analyze("?! …"), IsEmpty());
}

TEST(Analyzer, ATextOfStopWordsKeepsThem) {
  EXPECT_THAT(analyze("Who are you?"), ElementsAre("who", "are", "you"));
  EXPECT_THAT(analyze("Who are you, Ada?"), ElementsAre("ada"));
}

TEST(Analyzer, LowersOtherScripts) {
  EXPECT_EQ(analyze("ÄPFEL ЧАЙ ΚΑΦΕΣ ŁÓDŹ"), analyze("äpfel чай καφεσ łódź"));
}

TEST(Analyzer, WritingWithoutSpacesIsFoundByItsCharacters) {
  EXPECT_THAT(analyze("田中さん"), ElementsAre("田", "中", "さ", "ん"));
  EXPECT_THAT(analyze("ok👍"), ElementsAre("ok", "👍"));
}

TEST(Analyzer, TermsAreBoundedAndFitTheIndex) {
  std::mt19937 random(1);
  for (int i = 0; i < 5000; ++i) {
    std::string text(random() % 200, '\0');
    for (auto& c : text) c = static_cast<char>(random());
    for (const auto& term : analyze(text)) {
      ASSERT_FALSE(term.empty());
      ASSERT_LE(term.size(), 64u);
      for (const unsigned char c : term)
        ASSERT_TRUE(c >= 0x80 || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'));
    }
  }
  EXPECT_THAT(analyze(std::string(1000, 'x')), ElementsAre(std::string(64, 'x')));
}

TEST(Analyzer, OfLongWordsTheCharactersThatFitAreKept) {
  std::string word = "x", kept = "x";
  for (int i = 0; i < 100; ++i) word += "\u0434";
  for (int i = 0; i < 31; ++i) kept += "\u0434";
  EXPECT_THAT(analyze(word + " kite"), ElementsAre(kept, "kite"));
  EXPECT_THAT(analyze(word + "yz kite"), ElementsAre(kept + "y", "kite"));
}

TEST(Analyzer, RunsHaveSingleSpacesAround) {
  EXPECT_EQ(AnalysedText("  The KITE\xE2\x80\x99s, \u7530\u4E2D! ").spaced(), " the kite s \u7530\u4E2D ");
  EXPECT_EQ(AnalysedText("?! ").spaced(), "");
  EXPECT_EQ(AnalysedText("").spaced(), "");
  // Bytes of no sequence, each as long as it gets.
  EXPECT_EQ(AnalysedText(std::string(50, '\xFF')).spaced().size(), 102u);
}

TEST(TermsTest, AreIteratedInOrder) {
  Terms terms;
  EXPECT_TRUE(terms.empty());
  EXPECT_EQ(terms.begin(), terms.end());
  terms.push_back("kite");
  EXPECT_THAT(terms, ElementsAre("kite"));
  terms.push_back("x");
  terms.push_back("kite");
  EXPECT_THAT(terms, ElementsAre("kite", "x", "kite"));
  EXPECT_EQ(terms.size(), 3u);
  EXPECT_EQ(terms.joined(), "kite x kite");
}

}  // namespace
}  // namespace holdfast::text
