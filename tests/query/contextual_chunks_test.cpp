// chunk_strategy contextual: a message's similarity is that of the window of it and the two before it,
// wherever each of them is.
#include <gmock/gmock.h>

#include <map>

#include "sqlite_engine.hpp"

namespace holdfast::query {
namespace {

const std::string kQuestion = "pottery by the lake";

struct ContextualChunks : testing::Test {
  static engine::Options options() {
    engine::Options options;
    options.chunk_strategy = text::ChunkStrategy::contextual;
    options.buffer.round.max_rounds = 2;
    return options;
  }
  SqliteEngine engine{options()};
  std::string session;

  void SetUp() override {
    engine.add_user("u");
    engine.add_agent("a");
    session = engine.add_session("u", "a");
  }

  struct Found {
    std::string content;
    double score, similarity;
    bool operator==(const Found&) const = default;
  };
  std::vector<Found> ask(SourceFilter source = SourceFilter::all) {
    Query query;
    query.user_id = "u";
    query.text = kQuestion;
    query.top_k = 1000;  // searched past the cache
    query.source = source;
    const auto answer = engine.run(engine.service().query(query));
    EXPECT_TRUE(answer && !answer->partial);
    std::vector<Found> found;
    for (const auto& result : answer->results) {
      found.push_back({result.content, result.score, result.similarity});
      ids[result.content] = result.id;
    }
    return found;
  }
  double similarity_of(const std::string& content) {
    for (const auto& found : ask())
      if (found.content == content) return found.similarity;
    ADD_FAILURE() << content << " is not found";
    return -1;
  }
  static double own(const std::string& content) {
    const auto& embedder = text::builtin_embedder();
    return text::similarity(embedder.embed(kQuestion), embedder.embed(content));
  }

  std::map<std::string, std::string> ids;  // by content
};

constexpr double kNear = 1e-12;

TEST_F(ContextualChunks, TheResultIsTheMessageWithTheSimilarityOfItsWindow) {
  engine.add(session, {"we made pottery", "a jug and a lake", "the pottery is blue", "he swims in the lake"});
  EXPECT_EQ(similarity_of("we made pottery"), own("we made pottery"));
  EXPECT_NEAR(similarity_of("a jug and a lake"), (own("a jug and a lake") + own("we made pottery") / 2) / 1.5,
              kNear);
  EXPECT_NEAR(
      similarity_of("he swims in the lake"),
      (own("he swims in the lake") + own("the pottery is blue") / 2 + own("a jug and a lake") / 4) / 1.75,
      kNear);
}

TEST_F(ContextualChunks, ScoresStayAsMessagesMoveOnAndAfterRestarts) {
  // The first are stored, the next wait in the hybrid buffer, the last in the round buffer.
  engine.add(session, {"we made pottery", "a jug and a lake"});
  engine.flush();
  for (const auto* content : {"the pottery is blue", "he swims in the lake", "they sail", "a bowl of clay"})
    engine.add(session, {content});
  std::map<SourceFilter, std::vector<Found>> first;
  for (const auto source : {SourceFilter::all, SourceFilter::vector, SourceFilter::keyword})
    first[source] = ask(source);
  ASSERT_GE(first[SourceFilter::all].size(), 5u);
  const auto expect_the_same = [&](const char* when) {
    for (const auto& [source, found] : first) EXPECT_EQ(ask(source), found) << when;
  };
  engine.restart();
  expect_the_same("replayed from the journal");
  engine.flush();
  expect_the_same("stored");
  engine.restart();
  expect_the_same("read from the store");
}

TEST_F(ContextualChunks, AChangeOfAMessageIsInTheWindowsBehindIt) {
  engine.add(session, {"we made pottery", "a jug and a lake"});
  for (const bool stored : {false, true}) {
    SCOPED_TRACE(stored ? "stored" : "buffered");
    if (stored) engine.flush();
    const std::string now = stored ? "a lake" : "a lake and a river";
    (void)ask();
    const auto id = stored ? ids.at("a lake and a river") : ids.at("we made pottery");
    ASSERT_TRUE(engine.run(engine.service().update_messages(session, {{id, Role::user, now, ""}})));
    for (int flushed = 0; flushed < 2; ++flushed) {
      EXPECT_NEAR(similarity_of("a jug and a lake"), (own("a jug and a lake") + own(now) / 2) / 1.5, kNear);
      if (stored) engine.flush();
    }
  }
}

TEST_F(ContextualChunks, AnErasedMessageLeavesTheWindowsBehindIt) {
  for (const bool stored : {false, true}) {
    SCOPED_TRACE(stored ? "stored" : "buffered");
    const std::string content = stored ? "a lake with a jug" : "a jug and a lake";
    engine.add(session, {"we made pottery", "it was fun", "so much fun", content});
    if (stored) engine.flush();
    (void)ask();
    const auto before = similarity_of(content);
    ASSERT_TRUE(engine.run(engine.service().erase_messages(session, {ids.at("we made pottery")})));
    EXPECT_EQ(similarity_of(content), before) << "three before";
    engine.add(session, {"by a lake"});
    (void)ask();
    ASSERT_TRUE(engine.run(engine.service().erase_messages(session, {ids.at(content)})));
    EXPECT_NEAR(similarity_of("by a lake"), (own("by a lake") + own("so much fun") / 4) / 1.25, kNear);
    engine.flush();
    EXPECT_NEAR(similarity_of("by a lake"), (own("by a lake") + own("so much fun") / 4) / 1.25, kNear);
    ASSERT_TRUE(engine.run(engine.service().erase_messages(session, {ids.at("by a lake")})));
  }
}

}  // namespace
}  // namespace holdfast::query
