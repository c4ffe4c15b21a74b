// Terms and vectors of buffered messages: computed once, counted, bounded, and where they are many not on the
// shard.
#include <gtest/gtest.h>

#include <map>

#include "holdfast/engine/buffered_features.hpp"
#include "sqlite_engine.hpp"

namespace holdfast::query {
namespace {

using metrics::TimedComponent;

struct BufferedFeatures : testing::Test {
  static engine::Options kept_in_buffers() {
    engine::Options options;
    options.buffer.round.max_rounds = 50;
    options.buffer.round.max_tokens = 5000;
    return options;
  }
  static std::vector<std::string> some_contents() {
    std::vector<std::string> contents;
    for (int i = 0; i < 40; ++i) contents.push_back("the red kite number " + std::to_string(i));
    return contents;
  }
  static std::vector<std::string> long_contents() {
    std::vector<std::string> contents;
    for (int i = 0; i < 40; ++i) {
      std::string content = "message " + std::to_string(i);
      for (int word = 0; word < 100; ++word) content += " kite" + std::to_string(word);
      contents.push_back(content);
    }
    return contents;
  }
  static Answer ask(SqliteEngine& engine, const std::string& text, const std::string& user = "u") {
    Query query;
    query.user_id = user;
    query.text = text;
    query.top_k = 1000;  // searched past the cache
    return std::move(*engine.run(engine.service().query(query)));
  }
  static std::map<std::string, double> scores(const Answer& answer) {
    std::map<std::string, double> all;
    for (const auto& result : answer.results) all.emplace(result.content, result.score);
    return all;
  }
  static std::string fill(SqliteEngine& engine, const std::vector<std::string>& contents) {
    engine.add_user("u");
    engine.add_agent("a");
    auto session = engine.add_session("u", "a");
    EXPECT_TRUE(engine.add(session, contents));
    return session;
  }
  static boost::asio::awaitable<std::size_t> limited(engine::UserShard& shard, double share) {
    co_return engine::limit_features(shard, share);
  }
  static std::uint64_t computed_by_flush(SqliteEngine& engine) {
    return engine.probes().flush.components[TimedComponent::embedding].snapshot().count;
  }
};

TEST_F(BufferedFeatures, AreKeptForTheFlushAndGoneAfterIt) {
  SqliteEngine engine(kept_in_buffers());
  fill(engine, some_contents());
  EXPECT_EQ(engine.probe().feature_bytes.value(), 0u);
  const auto before = scores(ask(engine, "red kite 7"));
  EXPECT_GT(engine.probe().feature_bytes.value(), 40u * 612);
  engine.flush();
  EXPECT_EQ(computed_by_flush(engine), 0u);
  EXPECT_EQ(engine.probe().feature_bytes.value(), 0u);
  EXPECT_EQ(scores(ask(engine, "red kite 7")), before);
}

TEST_F(BufferedFeatures, OfWhatNobodyAskedForAreComputedByTheFlush) {
  SqliteEngine engine(kept_in_buffers());
  fill(engine, some_contents());
  engine.flush();
  EXPECT_EQ(computed_by_flush(engine), 40u);
}

TEST_F(BufferedFeatures, OfAnErasedMessageOrUserAreNotCounted) {
  SqliteEngine engine(kept_in_buffers());
  const auto session = fill(engine, some_contents());
  const auto found = ask(engine, "red kite 7");
  const auto all = engine.probe().feature_bytes.value();
  ASSERT_TRUE(engine.run(engine.service().erase_messages(session, {found.results.at(0).id})));
  EXPECT_LT(engine.probe().feature_bytes.value(), all);
  ASSERT_TRUE(engine.run(engine.service().erase_user("u")));
  EXPECT_EQ(engine.probe().feature_bytes.value(), 0u);
}

TEST_F(BufferedFeatures, AreOfWhatAMessageSaysNow) {
  SqliteEngine engine(kept_in_buffers());
  const auto session = fill(engine, some_contents());
  const auto id = ask(engine, "number 7").results.at(0).id;
  ASSERT_TRUE(engine.run(engine.service().update_messages(session, {{id, Role::user, "a blue whale", ""}})));
  EXPECT_EQ(ask(engine, "whale").results.at(0).id, id);
  engine.flush();
  EXPECT_EQ(ask(engine, "whale").results.at(0).id, id);
}

TEST_F(BufferedFeatures, AreNotKeptPastTheirShareOfTheBuffers) {
  auto options = kept_in_buffers();
  options.max_buffer_bytes = 200'000;
  SqliteEngine small(options), large(kept_in_buffers());
  fill(small, some_contents());
  fill(large, some_contents());
  EXPECT_EQ(scores(ask(small, "red kite 7")), scores(ask(large, "red kite 7")));
  EXPECT_LE(small.probe().feature_bytes.value(), 25'000u);
  EXPECT_GT(small.probe().feature_bytes.value(), 20'000u);
}

TEST_F(BufferedFeatures, AreNotKeptWhileMemoryIsShort) {
  SqliteEngine calm(kept_in_buffers()), pressed(kept_in_buffers());
  for (const auto& contents : {some_contents(), long_contents()}) {  // on the shard, and away from it
    fill(calm, contents);
    fill(pressed, contents);
    pressed.pressure().set_level(memory::Level::warning);
    EXPECT_EQ(scores(ask(pressed, "kite7 red")), scores(ask(calm, "kite7 red")));
    EXPECT_EQ(pressed.probe().feature_bytes.value(), 0u);
  }
}

TEST_F(BufferedFeatures, ShrinkToTheirShareAndAreComputedAgain) {
  auto options = kept_in_buffers();
  options.max_buffer_bytes = 200'000;
  SqliteEngine engine(options);
  fill(engine, some_contents());
  const auto before = scores(ask(engine, "red kite 7"));
  const auto kept = [&] { return engine.probe().feature_bytes.value(); };
  const auto limit = [&](double share) { return engine.run(limited(engine.shard(), share)); };
  const auto full = kept();
  ASSERT_GT(full, 20'000u);
  EXPECT_EQ(limit(1), 0u);
  const auto freed = limit(0.25);
  EXPECT_EQ(freed, full - kept());
  EXPECT_LE(kept(), 6'250u);
  EXPECT_GT(kept(), 5'000u);
  limit(0);
  EXPECT_EQ(kept(), 0u);
  EXPECT_EQ(scores(ask(engine, "red kite 7")), before);
  EXPECT_EQ(kept(), full);
}

TEST_F(BufferedFeatures, OfManyAreComputedAwayFromTheShard) {
  SqliteEngine engine(kept_in_buffers());
  fill(engine, long_contents());
  engine.add_user("other");
  std::promise<void> release;
  auto holding = engine.hold_computing(release);
  Query query;
  query.user_id = "u";
  query.text = "kite7";
  auto waiting = engine.start(engine.service().query(query));
  ask(engine, "anything", "other");  // others are served
  EXPECT_EQ(waiting.wait_for(std::chrono::seconds(0)), std::future_status::timeout);
  EXPECT_EQ(engine.probe().feature_bytes.value(), 0u);
  release.set_value();
  EXPECT_EQ(waiting.get()->results.size(), 5u);
  EXPECT_GT(engine.probe().feature_bytes.value(), 40u * 612);
  EXPECT_TRUE(holding.get());
}

}  // namespace
}  // namespace holdfast::query
