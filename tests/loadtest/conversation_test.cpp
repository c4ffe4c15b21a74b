#include "conversation.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <sstream>

namespace loadtest {
namespace {

TEST(Conversation, TheSameSeedGivesTheSameText) {
  Conversation a(1, {}), b(1, {}), c(2, {});
  EXPECT_EQ(a.user_message(), b.user_message());
  EXPECT_NE(a.assistant_message(), c.assistant_message());
}

TEST(Conversation, SizesHaveTheMedianAndTheLimit) {
  Conversation conversation(1, {250, 0.5, 600});
  std::vector<std::size_t> sizes;
  for (int i = 0; i < 2000; ++i) {
    sizes.push_back(conversation.user_message().size());
    sizes.push_back(conversation.assistant_message().size());
  }
  std::sort(sizes.begin(), sizes.end());
  EXPECT_NEAR(static_cast<double>(sizes[sizes.size() / 2]), 250, 25);
  EXPECT_EQ(sizes.back(), 600u);
  Conversation fixed(1, {250, 0, 600});
  EXPECT_EQ(fixed.user_message().size(), 250u);
  EXPECT_EQ(fixed.assistant_message().size(), 250u);
}

TEST(Conversation, AFewWordsMakeMostOfTheTextAndManyAreRare) {
  Conversation conversation(1, {});
  std::map<std::string, int> counts;
  int all = 0;
  for (int i = 0; i < 2000; ++i) {
    std::istringstream words(conversation.assistant_message());
    for (std::string word; words >> word; ++all) ++counts[word];
  }
  std::vector<int> sorted;
  for (const auto& [word, count] : counts) sorted.push_back(count);
  std::sort(sorted.rbegin(), sorted.rend());
  int top = 0;
  for (int i = 0; i < 100; ++i) top += sorted[i];
  EXPECT_GT(top, all / 4);
  EXPECT_LT(top, all * 3 / 4);
  EXPECT_GT(std::count_if(sorted.begin(), sorted.end(), [](int count) { return count <= 3; }), 1000);
}

}  // namespace
}  // namespace loadtest
