#include "holdfast/cache/embedding_cache.hpp"

#include <gtest/gtest.h>

namespace holdfast::cache {
namespace {

struct EmbeddingCacheTest : testing::Test {
  metrics::ShardProbe probe;
};

TEST_F(EmbeddingCacheTest, FindsTheVectorOfTheSameTextAlone) {
  EmbeddingCache cache({10, 1u << 20}, probe);
  EXPECT_FALSE(cache.find("red kite"));
  cache.insert("red kite", {1, 2});
  EXPECT_EQ(cache.find("red kite"), (text::Embedding{1, 2}));
  EXPECT_FALSE(cache.find("Red kite")) << "a server may see a difference";
  EXPECT_EQ(probe.embedding_cache_hits.value(), 1u);
  EXPECT_EQ(probe.embedding_cache_misses.value(), 2u);
}

TEST_F(EmbeddingCacheTest, ATextIsKeptOnce) {
  EmbeddingCache cache({10, 1u << 20}, probe);
  cache.insert("red kite", {1, 2});
  const auto bytes = cache.bytes();
  cache.insert("red kite", {3, 4});
  EXPECT_EQ(cache.entries(), 1u);
  EXPECT_EQ(cache.bytes(), bytes);
  EXPECT_EQ(cache.find("red kite"), (text::Embedding{1, 2}));
}

TEST_F(EmbeddingCacheTest, TheLeastRecentlyUsedLeavesFirst) {
  EmbeddingCache cache({2, 1u << 20}, probe);
  cache.insert("a", {1});
  cache.insert("b", {2});
  EXPECT_TRUE(cache.find("a"));
  cache.insert("c", {3});
  EXPECT_TRUE(cache.find("a"));
  EXPECT_FALSE(cache.find("b"));
  EXPECT_TRUE(cache.find("c"));
  EXPECT_EQ(cache.entries(), 2u);
}

TEST_F(EmbeddingCacheTest, HoldsNoMoreThanItsBytes) {
  EmbeddingCache cache({1000, 10'000}, probe);
  for (int i = 0; i < 100; ++i) {
    cache.insert("text number " + std::to_string(i), text::Embedding(768, 1));
    EXPECT_LE(cache.bytes(), 10'000u);
  }
  EXPECT_GE(cache.entries(), 8u);
  EXPECT_TRUE(cache.find("text number 99"));
  EXPECT_FALSE(cache.find("text number 0"));
  cache.insert("larger than everything", text::Embedding(20'000, 1));
  EXPECT_EQ(cache.entries(), 0u);
  EXPECT_EQ(cache.bytes(), 0u);
}

TEST_F(EmbeddingCacheTest, KeepsItsShareAndTakesNothingNewWhereMemoryIsShort) {
  const text::Embedding vector(100, 1);
  EmbeddingCache cache({.entries = 8, .max_bytes = 1u << 20}, probe);
  for (char name = 'a'; name <= 'h'; ++name) cache.insert(std::string(1, name), vector);
  const auto each = cache.bytes() / 8;
  EXPECT_EQ(cache.limit_to(0.75), 2 * each);
  EXPECT_EQ(cache.entries(), 6u);
  EXPECT_FALSE(cache.find("b"));
  EXPECT_TRUE(cache.find("c"));
  cache.insert("new", vector);
  EXPECT_FALSE(cache.find("new"));
  EXPECT_EQ(cache.limit_to(0), 6 * each);
  EXPECT_EQ(probe.embedding_cache_bytes.value(), 0u);
  EXPECT_EQ(cache.limit_to(1), 0u);
  cache.insert("new", vector);
  EXPECT_TRUE(cache.find("new"));
}

}  // namespace
}  // namespace holdfast::cache
