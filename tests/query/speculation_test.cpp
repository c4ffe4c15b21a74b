// The speculative buffer: what it predicts, when it serves, and that it does neither unless switched on.
#include "holdfast/query/speculation.hpp"

#include <gmock/gmock.h>

#include "sqlite_engine.hpp"

namespace holdfast::query {
namespace {

using metrics::CacheOutcome;
using testing::ElementsAre;
using Origin = Answer::Origin;

TEST(PredictedQueries, AreTheLastMessagesAndAllOfThemTogether) {
  EXPECT_THAT(predicted_queries({}), ElementsAre());
  EXPECT_THAT(predicted_queries(std::vector<std::string>{"a"}), ElementsAre("a"));
  EXPECT_THAT(predicted_queries(std::vector<std::string>{"b", "a"}), ElementsAre("b", "a", "b\na\n"));
}

struct Speculation : testing::Test {
  static engine::Options options(bool enabled, bool learn) {
    engine::Options options;
    options.speculation.enabled = enabled;
    options.speculation.learn = learn;
    options.speculation.context_window = 2;
    return options;
  }
  SqliteEngine engine{options(true, false)};
  std::string session;

  void SetUp() override {
    engine.add_user("u");
    engine.add_user("other");
    engine.add_agent("a");
    session = engine.add_session("u", "a");
    engine.add(session, {"my bicycle has a broken chain", "the weather is fine", "we painted the fence green",
                         "shall we repair the bicycle chain tomorrow"});
    ask("what of the weather");  // for one who never asks nothing is predicted
  }
  void predict() { engine.run(predict_and_search(engine.shard(), session)); }
  Answer ask(const std::string& text, const std::string& user = "u",
             std::optional<std::string> agent = std::nullopt) {
    Query query;
    query.user_id = user;
    query.text = text;
    query.agent_id = std::move(agent);
    return std::move(*engine.run(engine.service().query(query)));
  }
  static std::vector<std::string> contents(const Answer& answer) {
    std::vector<std::string> all;
    for (const auto& result : answer.results) all.push_back(result.content);
    return all;
  }
};

constexpr const char* kClose = "shall we repair the bicycle chain on monday";

TEST_F(Speculation, ServesAQueryThatIsCloseToAPrediction) {
  const auto predicted = ask("shall we repair the bicycle chain tomorrow");
  predict();
  EXPECT_EQ(engine.probe().predicted_queries.value(), 3u);
  EXPECT_EQ(engine.probe().speculative_buffer.entries.value(), 3u);
  const auto answer = ask(kClose);
  EXPECT_EQ(answer.origin, Origin::speculative_hit);
  EXPECT_EQ(contents(answer), contents(predicted));
  EXPECT_EQ(engine.probe().cache[CacheOutcome::speculative].value(), 1u);
  EXPECT_EQ(ask("who sold the boat").origin, Origin::searched);
}

TEST_F(Speculation, KnowsWhatWasWrittenSince) {
  predict();
  engine.add(session, {"repair the bicycle chain on monday"});
  const auto answer = ask(kClose);
  EXPECT_EQ(answer.origin, Origin::speculative_hit);
  EXPECT_THAT(contents(answer), testing::Contains("repair the bicycle chain on monday"));
  EXPECT_EQ(engine.probe().speculative_buffer.merged.value(), 1u);
}

TEST_F(Speculation, SearchesNothingTwice) {
  predict();
  predict();
  EXPECT_EQ(engine.probe().predicted_queries.value(), 3u);
}

TEST_F(Speculation, IsOfTheUserAndOfEverythingHeHas) {
  predict();
  EXPECT_EQ(ask(kClose, "other").origin, Origin::searched);
  EXPECT_EQ(ask(kClose, "u", "a").origin, Origin::searched) << "of one agent";
}

TEST_F(Speculation, IsGoneWhenTheCachesAreCleared) {
  predict();
  engine.run(engine.service().clear_caches());
  EXPECT_EQ(engine.probe().speculative_buffer.entries.value(), 0u);
  EXPECT_EQ(ask(kClose).origin, Origin::searched);
}

TEST_F(Speculation, PredictsWhileNobodyAsksAnything) {
  auto speculating = engine.start(speculate_when_idle(engine.shard()));
  while (engine.probe().predicted_queries.value() < 3) std::this_thread::yield();
  boost::asio::post(engine.shard().executor, [&] { engine.shard().predictions.close(); });
  speculating.get();
  EXPECT_EQ(ask(kClose).origin, Origin::speculative_hit);
}

TEST_F(Speculation, PredictsNothingForWhoNeverAsks) {
  engine.restart();  // what it knows of the user is gone
  predict();
  EXPECT_EQ(engine.probe().predicted_queries.value(), 0u);
  EXPECT_EQ(engine.shard().table.insert_user("u").epoch.terms(), 0u);
  ask("what of the weather");
  predict();
  EXPECT_EQ(engine.probe().predicted_queries.value(), 3u);
}

TEST_F(Speculation, DoesNothingUnlessSwitchedOn) {
  SqliteEngine off{engine::Options{}};
  off.add_user("u");
  off.add_agent("a");
  off.add(off.add_session("u", "a"), {"my bicycle has a broken chain"});
  std::promise<bool> empty;
  boost::asio::post(off.shard().executor, [&] { empty.set_value(off.shard().predictions.empty()); });
  EXPECT_TRUE(empty.get_future().get());
}

TEST_F(Speculation, LearnsFromWhatItServedWrongly) {
  SqliteEngine learning{options(true, true)};
  learning.add_user("u");
  learning.add_agent("a");
  const auto talk = learning.add_session("u", "a");
  std::vector<std::string> contents;
  for (int i = 0; i < 12; ++i) contents.push_back("bicycle number " + std::to_string(i));
  for (int i = 0; i < 12; ++i) contents.push_back("chain number " + std::to_string(i));
  contents.push_back("shall we repair the bicycle tomorrow evening at home");
  learning.add(talk, contents);
  Query query;
  query.user_id = "u";
  query.text = "how many";
  ASSERT_TRUE(learning.run(learning.service().query(query)));
  learning.run(predict_and_search(learning.shard(), talk));
  const auto& buffer = learning.probe().speculative_buffer;
  const auto before = buffer.threshold_ppm.value();
  for (int i = 0; buffer.threshold_ppm.value() == before; ++i) {
    ASSERT_LT(i, 1000);
    query.text = "shall we repair the chain tomorrow evening at home " + std::to_string(i);
    ASSERT_TRUE(learning.run(learning.service().query(query)));
  }
  EXPECT_GT(buffer.false_hits.value(), 0u);
  EXPECT_GT(buffer.threshold_ppm.value(), before);
}

}  // namespace
}  // namespace holdfast::query
