// What the query path does with the cache, case by case.
#include <gmock/gmock.h>

#include "sqlite_engine.hpp"

namespace holdfast::query {
namespace {

using Origin = Answer::Origin;
using metrics::CacheOutcome;

struct CacheBehaviour : testing::Test {
  static engine::Options options() {
    engine::Options options;
    options.cache.similarity_threshold = 0.8;
    return options;
  }
  SqliteEngine engine{options()};
  std::string session;

  void SetUp() override {
    engine.add_user("u");
    engine.add_agent("a");
    session = engine.add_session("u", "a");
    std::vector<std::string> contents;
    for (int i = 0; i < 30; ++i) contents.push_back("the red kite number " + std::to_string(i));
    engine.add(session, contents);
  }
  Answer ask(const std::string& text, std::int64_t top_k = 5) {
    Query query;
    query.user_id = "u";
    query.text = text;
    query.top_k = top_k;
    return std::move(*engine.run(engine.service().query(query)));
  }
};

TEST_F(CacheBehaviour, AWriteKeepsAnEntryAndIsInItsAnswer) {
  ask("red kite over the lake");
  engine.add(session, {"a red kite over the lake"});
  const auto answer = ask("red kite over the lake");
  EXPECT_EQ(answer.origin, Origin::exact_hit);
  EXPECT_EQ(answer.results.at(0).content, "a red kite over the lake");
  EXPECT_EQ(engine.probe().query_cache.merged.value(), 1u);
  engine.flush();
  EXPECT_EQ(ask("red kite over the lake").origin, Origin::exact_hit);
  EXPECT_EQ(engine.probe().query_cache.merged.value(), 1u) << "flushing changes nothing";
}

TEST_F(CacheBehaviour, WhatIsFlushedBeforeItIsMergedIsFoundInTheStore) {
  ask("red kite over the lake");
  engine.add(session, {"a red kite over the lake"});
  engine.flush();
  const auto answer = ask("red kite over the lake");
  EXPECT_EQ(answer.origin, Origin::exact_hit);
  EXPECT_EQ(answer.results.at(0).content, "a red kite over the lake");
  EXPECT_EQ(answer.results.at(0).source, "store");
}

TEST_F(CacheBehaviour, ACachedAnswerSaysWhereItsResultsAreNow) {
  EXPECT_NE(ask("red kite").results.at(0).source, "store");
  engine.flush();
  const auto answer = ask("red kite");
  EXPECT_EQ(answer.origin, Origin::exact_hit);
  for (const auto& result : answer.results) EXPECT_EQ(result.source, "store");
}

TEST_F(CacheBehaviour, ErasingMoreThanAnEntryHoldsBeyondTheAnswerSearchesAnew) {
  std::vector<std::string> contents;
  for (int i = 0; i < 30; ++i) contents.push_back("tea for guest number " + std::to_string(i));
  ASSERT_TRUE(engine.run(engine.service().add_knowledge("u", contents)));
  const auto all = ask("tea for a guest", 15);
  EXPECT_EQ(all.results.size(), 15u);
  ASSERT_TRUE(engine.run(engine.service().erase_knowledge("u", {all.results[3].id})));
  EXPECT_EQ(ask("tea for a guest", 14).origin, Origin::exact_hit);
  const auto answer = ask("tea for a guest", 15);
  EXPECT_EQ(answer.origin, Origin::searched);
  EXPECT_EQ(answer.results.size(), 15u);
}

TEST_F(CacheBehaviour, AWriteIsMergedWithTheScoreItHasBehindStoredMessages) {
  engine.add(session, {"what did you paint", "was it a landscape"});
  engine.flush();
  ask("landscape paint");
  engine.add(session, {"yes, at sunset"});  // found by what is before it alone
  const auto merged = ask("landscape paint");
  EXPECT_EQ(merged.origin, Origin::exact_hit);
  ASSERT_EQ(merged.results.size(), 3u);
  EXPECT_EQ(merged.results[2].content, "yes, at sunset");
  engine.flush();
  EXPECT_EQ(ask("landscape paint", 1000).results.at(2).score, merged.results[2].score);
}

TEST_F(CacheBehaviour, AnUpdateChangesTheScoresOfThoseBehindIt) {
  engine.add(session, {"what did you paint", "a lake at sunset"});
  const auto before = ask("paint");
  ASSERT_EQ(before.results.size(), 2u);
  const auto id = before.results[0].id;
  ASSERT_TRUE(engine.run(engine.service().update_messages(session, {{id, Role::user, "what else", ""}})));
  EXPECT_EQ(ask("paint").results.size(), 0u);
}

TEST_F(CacheBehaviour, AChangeOfABufferedMessageIsMerged) {
  engine.flush();
  engine.add(session, {"did you paint it", "a lake", "at sunset"});
  const auto before = ask("paint");
  ASSERT_EQ(before.results.size(), 3u);
  const auto first = before.results[0].id;
  ASSERT_TRUE(
      engine.run(engine.service().update_messages(session, {{first, Role::user, "did you draw", ""}})));
  EXPECT_EQ(ask("paint").results.size(), 0u) << "those behind it were found by it alone";
  ASSERT_TRUE(engine.run(engine.service().update_messages(session, {{first, Role::user, "what paint", ""}})));
  const auto after = ask("paint");
  EXPECT_EQ(after.origin, Origin::exact_hit);
  EXPECT_EQ(after.results.size(), 3u);
  EXPECT_EQ(engine.probe().query_cache.merged.value(), 2u);
  EXPECT_EQ(engine.probe().query_cache.outdated.value(), 0u);
}

TEST_F(CacheBehaviour, AnErasureOfABufferedMessageIsMerged) {
  engine.add(session, {"did you paint it", "a lake", "at sunset"});
  const auto id = ask("paint").results.at(0).id;
  ASSERT_TRUE(engine.run(engine.service().erase_messages(session, {id})));
  const auto after = ask("paint");
  EXPECT_EQ(after.origin, Origin::exact_hit);
  EXPECT_EQ(after.results.size(), 0u) << "those behind it were found by it alone";
}

TEST_F(CacheBehaviour, AChangeWithStoredMessagesBehindItEndsTheEpoch) {
  engine.add(session, {"did you paint it", "a lake", "at sunset"});
  engine.flush();
  const auto id = ask("paint").results.at(0).id;
  ASSERT_TRUE(engine.run(engine.service().erase_messages(session, {id})));
  const auto after = ask("paint");
  EXPECT_EQ(after.origin, Origin::searched);
  EXPECT_EQ(after.results.size(), 0u);
}

TEST_F(CacheBehaviour, ManyWritesEndTheEpoch) {
  ask("red kite");
  engine.add(session, std::vector<std::string>(70, "something else"));
  EXPECT_EQ(ask("red kite").origin, Origin::searched);
  EXPECT_EQ(engine.probe().query_cache.outdated.value(), 1u);
}

TEST_F(CacheBehaviour, IdenticalMissesShareOneSearch) {
  Query query;
  query.user_id = "u";
  query.text = "red kite";
  std::vector<std::future<engine::Outcome<Answer>>> answers;
  boost::asio::post(engine.shard().executor, [&] {  // all of them before any goes on
    for (int i = 0; i < 10; ++i) answers.push_back(engine.start(engine.service().query(query)));
  });
  engine.flush();
  std::vector<std::string> first;
  for (auto& answer : answers) {
    const auto got = answer.get();
    ASSERT_TRUE(got);
    std::vector<std::string> ids;
    for (const auto& result : got->results) ids.push_back(result.id);
    if (first.empty()) first = ids;
    EXPECT_EQ(ids, first);
  }
  EXPECT_EQ(engine.probe().searches_joined.value(), 9u);
}

TEST_F(CacheBehaviour, ASimilarTextIsASimilarHitAndAFlippedOneIsNot) {
  ask("Where does Anna fly her big red kite over the blue lake?");
  EXPECT_EQ(ask("Where did Anna fly her big red kite over the blue lake?").origin, Origin::similar_hit);
  EXPECT_EQ(ask("Where does Anna not fly her big red kite over the blue lake?").origin, Origin::searched);
  EXPECT_EQ(engine.probe().cache[CacheOutcome::similar].value(), 1u);
}

TEST_F(CacheBehaviour, ALongTextIsMadeReadyAwayFromTheShard) {
  std::promise<void> release;
  auto holding = engine.hold_computing(release);
  Query query;
  query.user_id = "u";
  std::vector<std::future<engine::Outcome<Answer>>> answers;
  query.text = "number 7";
  for (int i = 0; i < 2000; ++i) query.text += " and more";
  for (const std::int64_t top_k : {5, 1000}) {  // through the cache and past it
    query.top_k = top_k;
    auto waiting = engine.start(engine.service().query(query));
    EXPECT_EQ(ask("red kite").results.size(), 5u) << "others are served";
    EXPECT_EQ(waiting.wait_for(std::chrono::seconds(0)), std::future_status::timeout);
    if (top_k == 1000) release.set_value();
    answers.push_back(std::move(waiting));
  }
  for (auto& waiting : answers) {
    const auto answer = waiting.get();
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->results.at(0).content, "the red kite number 7");
  }
  EXPECT_TRUE(holding.get());
}

TEST(VerifiedSimilarHits, AreSearchedForInTheBackgroundAndKept) {
  auto options = CacheBehaviour::options();
  options.cache.verify_fraction = 1;
  SqliteEngine engine(options);
  engine.add_user("u");
  engine.add_agent("a");
  engine.add(engine.add_session("u", "a"), {"Anna flies her red kite over the lake", "a blue boat"});
  Query query;
  query.user_id = "u";
  const auto ask = [&](const char* text) {
    query.text = text;
    return std::move(*engine.run(engine.service().query(query)));
  };
  const auto first = ask("Where does Anna fly her big red kite over the blue lake?");
  auto similar = ask("Where did Anna fly her big red kite over the blue lake?");
  ASSERT_EQ(similar.origin, Origin::similar_hit);
  ASSERT_EQ(similar.results.size(), first.results.size());
  // What is found becomes the answer to this wording: then it is an exact hit.
  while (similar.origin == Origin::similar_hit)
    similar = ask("Where did Anna fly her big red kite over the blue lake?");
  EXPECT_EQ(similar.origin, Origin::exact_hit);
  EXPECT_GE(engine.probe().query_cache.verified.value(), 1u);
  EXPECT_EQ(engine.probe().query_cache.false_hits.value(), 0u);
}

}  // namespace
}  // namespace holdfast::query
