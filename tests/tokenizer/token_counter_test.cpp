#include <gtest/gtest.h>

#include <random>
#include <string>

#include "holdfast/text/tokenizer.hpp"

namespace holdfast::text {
namespace {

TEST(TokenCounter, KnowsTheEncodingOfAModel) {
  for (const auto* model :
       {"gpt-4o", "gpt-4o-mini", "gpt-4.1-nano", "o1-preview", "o3-mini", "gpt-5", "o200k_base"}) {
    EXPECT_EQ(encoding_for_model(model), Encoding::o200k_base) << model;
  }
  for (const auto* model :
       {"gpt-4", "gpt-4-turbo", "gpt-3.5-turbo", "text-embedding-3-small", "cl100k_base"}) {
    EXPECT_EQ(encoding_for_model(model), Encoding::cl100k_base) << model;
  }
  EXPECT_EQ(encoding_for_model("llama-3"), std::nullopt);
}

TEST(TokenCounter, EstimatesFromWordsForAnUnknownModel) {
  const TokenCounter counter("llama-3", 1.3);
  EXPECT_FALSE(counter.exact());
  EXPECT_EQ(counter.name(), "words");
  EXPECT_EQ(counter.count(" three small words\n"), 4u);  // 3.9 rounded up
  EXPECT_EQ(counter.count(""), 0u);
}

TEST(TokenCounter, CountsExactlyForAKnownOne) {
  const TokenCounter counter("gpt-4o-mini");
  EXPECT_TRUE(counter.exact());
  EXPECT_EQ(counter.count("hello world, don't stop"), 5u);
  EXPECT_EQ(counter.count(""), 0u);
}

// Tokens never exceed bytes, and bytes that are no UTF-8 have an answer too.
TEST(TokenCounter, AnyBytesHaveAnAnswerOfAtMostOneTokenAByte) {
  std::mt19937 random(3);
  for (int i = 0; i < 2000; ++i) {
    std::string bytes(random() % 60, '\0');
    for (auto& c : bytes) c = static_cast<char>(random());
    EXPECT_LE(count_tokens(Encoding::o200k_base, bytes), bytes.size());
    EXPECT_LE(count_tokens(Encoding::cl100k_base, bytes), bytes.size());
  }
}

// A quadratic merge of a megabyte would not end within the test's time limit.
TEST(TokenCounter, NoTextIsQuadratic) {
  for (const std::string unit : {"a", "é", " ", "\n", "-", "ab", "\xCC\x81", "'s"}) {
    std::string text;
    while (text.size() < 1'000'000) text += unit;
    EXPECT_GT(count_tokens(Encoding::o200k_base, text), 0u);
    EXPECT_GT(count_tokens(Encoding::cl100k_base, text), 0u);
  }
}

}  // namespace
}  // namespace holdfast::text
