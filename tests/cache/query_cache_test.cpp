// The query cache against what it promises: never an answer of another version, user, filter or age, never
// over its bounds.
#include "holdfast/cache/query_cache.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace holdfast::cache {
namespace {

using namespace std::chrono_literals;

Query ask(std::string text, std::string user = "u") {
  Query query;
  query.user_id = std::move(user);
  query.text = std::move(text);
  return query;
}

std::vector<ScoredResult> answer(const std::string& content) {
  ScoredResult result;
  result.content = content;
  return {result};
}

struct QueryCacheTest : testing::Test {
  Options options{.entries = 3, .max_bytes = 1u << 20, .results_per_entry = 15, .ttl = 300s};
  metrics::ShardProbe probe;
  SteadyTime now = SteadyTime{} + 1h;
};

TEST_F(QueryCacheTest, FoldsCaseAndWhiteSpaceAndNothingElse) {
  QueryCache cache(options, probe);
  cache.insert(ask("Red  kite"), 1, now, answer("a"));
  EXPECT_NE(cache.find(ask(" red KITE\n"), 1, now), nullptr);
  EXPECT_EQ(cache.find(ask("red kites"), 1, now), nullptr);
  EXPECT_EQ(cache.find(ask("redkite"), 1, now), nullptr);
}

TEST_F(QueryCacheTest, EverythingThatChangesTheResultIsPartOfTheKey) {
  QueryCache cache(options, probe);
  cache.insert(ask("x"), 1, now, answer("a"));
  auto other = ask("x");
  other.session_id = "s";
  EXPECT_EQ(cache.find(other, 1, now), nullptr);
  other = ask("x");
  other.agent_id = "a";
  EXPECT_EQ(cache.find(other, 1, now), nullptr);
  other = ask("x");
  other.source = SourceFilter::vector;
  EXPECT_EQ(cache.find(other, 1, now), nullptr);
  other = ask("x");
  other.include_knowledge = false;
  EXPECT_EQ(cache.find(other, 1, now), nullptr);
  other = ask("x");
  other.include_messages = false;
  EXPECT_EQ(cache.find(other, 1, now), nullptr);
  EXPECT_EQ(cache.find(ask("x", "v"), 1, now), nullptr);
  other = ask("x");
  other.top_k = 15;  // an entry holds results_per_entry results: it serves every smaller top_k
  EXPECT_NE(cache.find(other, 1, now), nullptr);
}

TEST_F(QueryCacheTest, AnotherVersionDropsTheEntry) {
  QueryCache cache(options, probe);
  cache.insert(ask("x"), 1, now, answer("a"));
  EXPECT_EQ(cache.find(ask("x"), 2, now), nullptr);
  EXPECT_EQ(cache.entries(), 0u);
  EXPECT_EQ(probe.cache_outdated.value(), 1u);
}

TEST_F(QueryCacheTest, TheTtlIsAbsolute) {
  QueryCache cache(options, probe);
  cache.insert(ask("x"), 1, now, answer("a"));
  EXPECT_NE(cache.find(ask("x"), 1, now + 299s), nullptr);
  EXPECT_EQ(cache.find(ask("x"), 1, now + 300s), nullptr);
  EXPECT_EQ(probe.cache_expired.value(), 1u);
}

TEST_F(QueryCacheTest, TheLeastRecentlyUsedGoesFirst) {
  QueryCache cache(options, probe);
  for (const auto* text : {"a", "b", "c"}) cache.insert(ask(text), 1, now, answer(text));
  cache.find(ask("a"), 1, now);
  cache.insert(ask("d"), 1, now, answer("d"));
  EXPECT_EQ(cache.find(ask("b"), 1, now), nullptr);
  EXPECT_NE(cache.find(ask("a"), 1, now), nullptr);
  EXPECT_EQ(probe.cache_evicted.value(), 1u);
}

TEST_F(QueryCacheTest, IsBoundedByBytes) {
  options.entries = 1000;
  options.max_bytes = 20'000;
  QueryCache cache(options, probe);
  for (int i = 0; i < 100; ++i) cache.insert(ask(std::to_string(i)), 1, now, answer(std::string(1000, 'x')));
  EXPECT_LE(cache.bytes(), options.max_bytes);
  EXPECT_GT(cache.entries(), 5u);
  cache.insert(ask("huge"), 1, now, answer(std::string(30'000, 'x')));
  EXPECT_EQ(cache.find(ask("huge"), 1, now), nullptr);
  EXPECT_GT(cache.entries(), 5u);
}

TEST_F(QueryCacheTest, WhatIsTooLargeOrEmptyGoesPast) {
  QueryCache cache(options, probe);
  for (const std::int64_t top_k : {std::int64_t{16}, std::int64_t{0}, std::int64_t{-1}}) {
    auto query = ask("x");
    query.top_k = top_k;
    cache.insert(query, 1, now, answer("a"));
    EXPECT_EQ(cache.find(query, 1, now), nullptr);
  }
  EXPECT_EQ(probe.cache[metrics::CacheOutcome::bypassed].value(), 3u);
  EXPECT_EQ(cache.entries(), 0u);
}

// Random writes and questions of three users: a hit is always the answer of that user's present version.
TEST_F(QueryCacheTest, NeverAnswersFromAnotherVersion) {
  options.entries = 7;
  QueryCache cache(options, probe);
  std::mt19937 random(7);
  std::map<std::string, std::uint64_t> versions;
  std::uint64_t hits = 0;
  for (int step = 0; step < 20'000; ++step) {
    const std::string user(1, static_cast<char>('a' + random() % 3));
    const auto query = ask("q" + std::to_string(random() % 4), user);
    const auto expected = query.text + user + std::to_string(versions[user]);
    switch (random() % 8) {
      case 0:
        versions[user] = static_cast<std::uint64_t>(step);
        break;
      case 1:
        if (random() % 20 == 0) cache.erase_user(user);
        break;
      case 2:
        now += 1s;
        break;
      default:
        if (const auto* found = cache.find(query, versions[user], now)) {
          ++hits;
          ASSERT_EQ(found->at(0).content, expected);
        } else {
          cache.insert(query, versions[user], now, answer(expected));
        }
    }
    ASSERT_LE(cache.entries(), 7u);
  }
  EXPECT_GT(hits, 1000u);
}

}  // namespace
}  // namespace holdfast::cache
