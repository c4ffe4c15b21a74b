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

}  // namespace
}  // namespace holdfast::text
