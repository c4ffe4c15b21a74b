// The query cache against what it promises: never an answer of another epoch, user, filter or age, never over
// its bounds, and merging gives what a search would.
#include "holdfast/cache/query_cache.hpp"

#include <gtest/gtest.h>

#include <algorithm>
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

std::shared_ptr<const text::PreparedQuery> prepared(const std::string& text) {
  return std::make_shared<text::PreparedQuery>(text::prepare_query(text, text::builtin_embedder()));
}

std::vector<ScoredResult> answer(const std::string& content) {
  ScoredResult result;
  result.content = content;
  return {result};
}

struct QueryCacheTest : testing::Test {
  Options options{.entries = 3, .max_bytes = 1u << 20, .results_per_entry = 15, .ttl = 300s};
  metrics::AnswerCacheProbe probe;
  SteadyTime now = SteadyTime{} + 1h;

  void insert(QueryCache& cache, const Query& query, std::uint64_t epoch, std::vector<ScoredResult> results) {
    cache.insert(query, query_words(query.text),
                 answer_of(epoch, 0, prepared(query.text), std::move(results), options.results_per_entry),
                 now);
  }
  static std::optional<QueryCache::Found> find_similar(QueryCache& cache, const Query& query,
                                                       std::uint64_t epoch, SteadyTime at) {
    return cache.find_similar(query, query_words(query.text), prepared(query.text)->vector, epoch, at);
  }
};

TEST_F(QueryCacheTest, WithAnyWordsSimilarityAloneDecides) {
  options.similarity_threshold = 0.7;
  const auto first = ask("shall we repair the bicycle chain tomorrow");
  const auto second = ask("shall we not repair the bicycle chain on monday");
  for (const bool any_words : {false, true}) {
    options.any_words = any_words;
    QueryCache cache(options, probe);
    insert(cache, first, 1, answer("a"));
    EXPECT_EQ(find_similar(cache, second, 1, now).has_value(), any_words);
    EXPECT_FALSE(find_similar(cache, ask("who sold the boat"), 1, now));
  }
}

TEST_F(QueryCacheTest, FoldsWhatNeitherTermsNorVectorsDependOn) {
  QueryCache cache(options, probe);
  insert(cache, ask("Red  kite"), 1, answer("a"));
  EXPECT_TRUE(cache.find(ask(" red KITE\n"), 1, now));
  EXPECT_TRUE(cache.find(ask("\"Red\", kite?"), 1, now));
  EXPECT_FALSE(cache.find(ask("red kites"), 1, now));
  EXPECT_FALSE(cache.find(ask("redkite"), 1, now));
  EXPECT_FALSE(cache.find(ask("kite red"), 1, now));
  options.sentence_vectors = true;
  cache.reconfigure(options);
  insert(cache, ask("Red kite"), 1, answer("a"));
  EXPECT_FALSE(cache.find(ask("red kite"), 1, now));
}

TEST_F(QueryCacheTest, EverythingThatChangesTheResultIsPartOfTheKey) {
  QueryCache cache(options, probe);
  insert(cache, ask("x"), 1, answer("a"));
  auto other = ask("x");
  other.session_id = "s";
  EXPECT_FALSE(cache.find(other, 1, now));
  other = ask("x");
  other.agent_id = "a";
  EXPECT_FALSE(cache.find(other, 1, now));
  other = ask("x");
  other.source = SourceFilter::vector;
  EXPECT_FALSE(cache.find(other, 1, now));
  other = ask("x");
  other.include_knowledge = false;
  EXPECT_FALSE(cache.find(other, 1, now));
  other = ask("x");
  other.include_messages = false;
  EXPECT_FALSE(cache.find(other, 1, now));
  EXPECT_FALSE(cache.find(ask("x", "v"), 1, now));
  other = ask("x");
  other.top_k = 15;  // an entry holds results_per_entry results: it serves every smaller top_k
  EXPECT_TRUE(cache.find(other, 1, now));
}

TEST_F(QueryCacheTest, AnotherEpochDropsTheEntry) {
  QueryCache cache(options, probe);
  insert(cache, ask("x"), 1, answer("a"));
  EXPECT_FALSE(cache.find(ask("x"), 2, now));
  EXPECT_EQ(cache.entries(), 0u);
  EXPECT_EQ(probe.outdated.value(), 1u);
}

TEST_F(QueryCacheTest, TheTtlIsAbsolute) {
  QueryCache cache(options, probe);
  insert(cache, ask("x"), 1, answer("a"));
  EXPECT_TRUE(cache.find(ask("x"), 1, now + 299s));
  EXPECT_FALSE(cache.find(ask("x"), 1, now + 300s));
  EXPECT_EQ(probe.expired.value(), 1u);
}

TEST_F(QueryCacheTest, TheLeastRecentlyUsedGoesFirst) {
  QueryCache cache(options, probe);
  for (const auto* text : {"a", "b", "c"}) insert(cache, ask(text), 1, answer(text));
  cache.find(ask("a"), 1, now);
  insert(cache, ask("d"), 1, answer("d"));
  EXPECT_FALSE(cache.find(ask("b"), 1, now));
  EXPECT_TRUE(cache.find(ask("a"), 1, now));
  EXPECT_EQ(probe.evicted.value(), 1u);
}

TEST_F(QueryCacheTest, IsBoundedByBytes) {
  options.entries = 1000;
  options.max_bytes = 20'000;
  QueryCache cache(options, probe);
  for (int i = 0; i < 100; ++i) insert(cache, ask(std::to_string(i)), 1, answer(std::string(1000, 'x')));
  EXPECT_LE(cache.bytes(), options.max_bytes);
  EXPECT_GT(cache.entries(), 5u);
  insert(cache, ask("huge"), 1, answer(std::string(30'000, 'x')));
  EXPECT_FALSE(cache.find(ask("huge"), 1, now));
  EXPECT_GT(cache.entries(), 5u);
}

TEST_F(QueryCacheTest, WhatIsTooLargeOrEmptyGoesPast) {
  QueryCache cache(options, probe);
  for (const std::int64_t top_k : {std::int64_t{16}, std::int64_t{0}, std::int64_t{-1}}) {
    auto query = ask("x");
    query.top_k = top_k;
    insert(cache, query, 1, answer("a"));
    EXPECT_FALSE(cache.caches(query));
  }
  EXPECT_EQ(cache.entries(), 0u);
}

TEST_F(QueryCacheTest, SimilarTextsOfTheSameUserAndFiltersHit) {
  options.similarity_threshold = 0.6;
  QueryCache cache(options, probe);
  insert(cache, ask("Where does Anna fly her red kite?"), 1, answer("a"));
  EXPECT_TRUE(find_similar(cache, ask("so where does Anna fly her red kite"), 1, now));
  EXPECT_FALSE(find_similar(cache, ask("Where does Anna fly her blue kite?"), 1, now));
  EXPECT_FALSE(find_similar(cache, ask("Where does Anna not fly her red kite?"), 1, now));
  EXPECT_FALSE(find_similar(cache, ask("so where does Anna fly her red kite", "v"), 1, now));
  auto other = ask("so where does Anna fly her red kite");
  other.agent_id = "a";
  EXPECT_FALSE(find_similar(cache, other, 1, now));
  EXPECT_FALSE(find_similar(cache, ask("so where does Anna fly her red kite"), 1, now + 300s));
  EXPECT_EQ(cache.entries(), 0u);
}

TEST_F(QueryCacheTest, ALessSimilarTextDoesNotHit) {
  options.similarity_threshold = 1;
  QueryCache cache(options, probe);
  insert(cache, ask("Where does Anna fly her red kite?"), 1, answer("a"));
  EXPECT_FALSE(find_similar(cache, ask("Where is Anna flying a red kite of her own?"), 1, now));
  EXPECT_FALSE(find_similar(cache, ask("so where does Anna fly her red kite"), 2, now));
  EXPECT_EQ(cache.entries(), 0u);
}

ScoredResult scored(int id, int score) {
  ScoredResult result;
  result.id = std::to_string(id);
  result.score = score;
  return result;
}

// Items with scores of their own that change; what merging keeps is the beginning of the whole ranking.
TEST(MergedAnswers, AreTheBeginningOfTheWholeRanking) {
  std::mt19937 random(11);
  constexpr std::size_t kLimit = 6;
  std::uint64_t refused = 0, merged = 0;
  for (int round = 0; round < 2000; ++round) {
    std::map<int, int> scores;
    for (int id = 0; id < 12; ++id) {
      if (random() % 3 > 0) scores[id] = static_cast<int>(random() % 5);
    }
    const auto rank = [&] {
      std::vector<ScoredResult> all;
      for (const auto& [id, score] : scores) all.push_back(scored(id, score));
      std::sort(all.begin(), all.end(), [](const ScoredResult& a, const ScoredResult& b) {
        return a.score != b.score ? a.score > b.score : a.id < b.id;
      });
      all.resize(std::min(all.size(), kLimit));
      return all;
    };
    auto answer = answer_of(1, 0, prepared("x"), rank(), kLimit);
    for (int change = 0; change < 4; ++change) {
      std::vector<std::string> changed;
      std::vector<ScoredResult> now_scored;
      for (const int id : {static_cast<int>(random() % 6), 6 + static_cast<int>(random() % 6)}) {
        changed.push_back(std::to_string(id));
        if (random() % 3 == 0) {
          scores.erase(id);
        } else {
          scores[id] = static_cast<int>(random() % 5);
          now_scored.push_back(scored(id, scores[id]));
        }
      }
      const std::size_t wanted = 1 + random() % 4;
      merge(answer, changed, std::move(now_scored), kLimit);
      if (!answer.knows(wanted)) {
        ++refused;
        break;
      }
      ++merged;
      const auto fresh = rank();
      ASSERT_GE(answer.results.size(), std::min(wanted, fresh.size()));
      for (std::size_t i = 0; i < answer.results.size(); ++i) {
        ASSERT_EQ(answer.results[i].id, fresh[i].id);
        ASSERT_EQ(answer.results[i].score, fresh[i].score);
      }
      if (!answer.floor) {
        ASSERT_EQ(answer.results.size(), fresh.size());
      }
    }
  }
  EXPECT_GT(refused, 20u);
  EXPECT_GT(merged, 2000u);
}

TEST_F(QueryCacheTest, AnUpdatedEntryIsNoYoungerAndCountsItsBytes) {
  QueryCache cache(options, probe);
  insert(cache, ask("red kite"), 1, answer("a"));
  const auto before = cache.bytes();
  const auto found = cache.find(ask("red kite"), 1, now);
  const auto key = found->key;
  auto changed = found->answer;
  changed.results = answer(std::string(500, 'x'));
  changed.position = 3;
  cache.update(key, changed);
  EXPECT_EQ(cache.bytes(), before + 499);
  changed.position = 2;
  changed.results.clear();
  cache.update(key, changed);
  EXPECT_EQ(cache.find(ask("red kite"), 1, now)->answer.position, 3u);
  EXPECT_FALSE(cache.find(ask("red kite"), 1, now + 300s));
  EXPECT_EQ(cache.bytes(), 0u);
}

// Random writes and questions of three users: a hit is always the answer of that user's present epoch.
TEST_F(QueryCacheTest, NeverAnswersFromAnotherEpoch) {
  options.entries = 7;
  QueryCache cache(options, probe);
  std::mt19937 random(7);
  std::map<std::string, std::uint64_t> epochs;
  std::uint64_t hits = 0;
  for (int step = 0; step < 20'000; ++step) {
    const std::string user(1, static_cast<char>('a' + random() % 3));
    const auto query = ask("q" + std::to_string(random() % 4), user);
    const auto expected = query.text + user + std::to_string(epochs[user]);
    switch (random() % 8) {
      case 0:
        epochs[user] = static_cast<std::uint64_t>(step);
        break;
      case 1:
        if (random() % 20 == 0) cache.erase_user(user);
        break;
      case 2:
        now += 1s;
        break;
      default:
        if (const auto found = cache.find(query, epochs[user], now)) {
          ++hits;
          ASSERT_EQ(found->answer.results.at(0).content, expected);
        } else {
          insert(cache, query, epochs[user], answer(expected));
        }
    }
    ASSERT_LE(cache.entries(), 7u);
  }
  EXPECT_GT(hits, 1000u);
}

TEST_F(QueryCacheTest, KeepsItsShareAndTakesNothingNewWhereMemoryIsShort) {
  options.entries = 8;
  QueryCache cache(options, probe);
  const char* const asked[] = {"red", "blue", "green", "white", "black", "brown", "grey", "pink"};
  for (const auto* text : asked) insert(cache, ask(text), 1, answer("a"));
  EXPECT_GT(cache.limit_to(0.75), 0u);
  EXPECT_EQ(cache.entries(), 6u);
  EXPECT_FALSE(cache.find(ask("blue"), 1, now));
  EXPECT_TRUE(cache.find(ask("green"), 1, now));
  insert(cache, ask("new"), 1, answer("a"));
  EXPECT_FALSE(cache.find(ask("new"), 1, now));
  cache.limit_to(0.25);
  EXPECT_EQ(cache.entries(), 2u);
  EXPECT_TRUE(cache.find(ask("green"), 1, now));  // used last
  cache.limit_to(0);
  EXPECT_EQ(cache.entries(), 0u);
  EXPECT_EQ(cache.bytes(), 0u);
  EXPECT_EQ(probe.evicted.value(), 8u);
  cache.reconfigure(options);  // a reload does not end the shortage
  insert(cache, ask("new"), 1, answer("a"));
  EXPECT_EQ(cache.entries(), 0u);
  EXPECT_EQ(cache.limit_to(1), 0u);
  insert(cache, ask("new"), 1, answer("a"));
  EXPECT_TRUE(cache.find(ask("new"), 1, now));
}

TEST_F(QueryCacheTest, TheBytesOfAUserAreThoseOfHisEntries) {
  QueryCache cache(options, probe);
  insert(cache, ask("red", "u"), 1, answer("a"));
  insert(cache, ask("green", "u"), 1, answer("much more than that"));
  insert(cache, ask("red", "v"), 1, answer("a"));
  EXPECT_GT(cache.bytes_of_user("u"), cache.bytes_of_user("v"));
  EXPECT_EQ(cache.bytes_of_user("u") + cache.bytes_of_user("v"), cache.bytes());
  cache.update(cache.key(ask("red", "v")),
               answer_of(1, 0, prepared("red"), answer("longer than it was"), 15));
  EXPECT_EQ(cache.bytes_of_user("u") + cache.bytes_of_user("v"), cache.bytes());
  insert(cache, ask("blue", "v"), 1, answer("a"));  // the fourth of three: the oldest leaves
  EXPECT_EQ(cache.bytes_of_user("u") + cache.bytes_of_user("v"), cache.bytes());
  cache.erase_user("u");
  EXPECT_EQ(cache.bytes_of_user("u"), 0u);
  EXPECT_EQ(cache.bytes_of_user("v"), cache.bytes());
  cache.clear();
  EXPECT_EQ(cache.bytes_of_user("v"), 0u);
}

}  // namespace
}  // namespace holdfast::cache
