// Whatever is written, updated, erased, flushed and restarted: an answer from the cache is the answer without
// the cache. HOLDFAST_CACHE_SEEDS: how many random runs (default 4).
#include <gmock/gmock.h>

#include <cstdlib>
#include <map>
#include <numeric>
#include <random>
#include <set>
#include <sstream>

#include "sqlite_engine.hpp"

namespace holdfast::query {
namespace {

using Origin = Answer::Origin;

engine::Options small_buffers(text::ChunkStrategy chunks) {
  engine::Options options;
  options.chunk_strategy = chunks;
  options.buffer.round.max_rounds = 2;
  options.buffer.hybrid.max_rounds = 2;
  options.flush.workers = 2;
  options.cache.entries = 60;
  options.cache.results_per_entry = 8;
  options.cache.verify_fraction = 0.2;
  options.cache.similarity_threshold = 0.6;
  return options;
}

// Everything of a result but where it was found, which a flush may change at any time.
std::string describe(const Answer& answer) {
  std::string all;
  for (const auto& result : answer.results) {
    char scores[100];
    std::snprintf(scores, sizeof scores, " %.17g %.17g %.17g ", result.score, result.keyword,
                  result.similarity);
    all += result.id + scores + result.content + " " + result.session_name + " " + result.agent_id + " " +
           std::to_string(result.updated_at.time_since_epoch().count()) + "\n";
  }
  return all;
}

unsigned seeds() {
  const char* wanted = std::getenv("HOLDFAST_CACHE_SEEDS");
  return wanted ? static_cast<unsigned>(std::atoi(wanted)) : 4;
}

class Play {
 public:
  Play(unsigned seed, text::ChunkStrategy chunks) : random_(seed), engine_(small_buffers(chunks)) {
    for (const auto* agent : {"one", "two"}) engine_.add_agent(agent);
    for (const auto* user : {"ann", "bob", "cem"}) {
      engine_.add_user(user);
      for (const auto* agent : {"one", "two"}) {
        sessions_.push_back({engine_.add_session(user, agent), user, {}});
      }
    }
  }

  void step() {
    const auto kind = random_() % 100;
    if (kind < 22) return write();
    if (kind < 30) return update();
    if (kind < 38) return erase();
    if (kind < 42) return change_knowledge();
    if (kind < 45) return engine_.flush();
    if (kind < 46) {
      merged_ = merged();
      return engine_.restart();
    }
    if (kind < 48) return rename();
    if (kind < 56) return ask_while_writing();
    ask();
  }
  std::map<Origin, int> origins;
  std::uint64_t merged() { return merged_ + engine_.probe().query_cache.merged.value(); }

 private:
  struct Known {
    std::string id;
    std::string user;
    std::vector<std::string> messages;
  };

  std::string words(unsigned least, unsigned more) {
    static const std::vector<std::string> kWords{"kite",    "tea",   "pottery",  "beach",    "camping",
                                                 "support", "group", "painting", "Caroline", "Melanie",
                                                 "adopt",   "music", "violin",   "hike",     "family",
                                                 "school",  "dog",   "swim",     "lake",     "book"};
    std::string text;
    for (auto left = least + random_() % more; left > 0; --left) {
      text += (text.empty() ? "" : " ") + kWords[std::min(random_() % 20, random_() % 20)];
    }
    return text;
  }
  Known& some_session() { return sessions_[random_() % sessions_.size()]; }

  void write() {
    auto& session = some_session();
    std::vector<std::string> contents;
    const auto many = random_() % 25 == 0 ? 40 : 1 + random_() % 3;
    // Now and then so much that it is computed away from the shard.
    for (auto left = many; left > 0; --left) contents.push_back(words(random_() % 16 == 0 ? 1500 : 2, 7));
    const auto answer = engine_.run(engine_.adding(session.id, contents));
    ASSERT_TRUE(answer) << answer.error().subject;
    session.messages.insert(session.messages.end(), answer->message_ids.begin(), answer->message_ids.end());
  }
  void update() {
    auto& session = some_session();
    if (session.messages.empty()) return;
    const auto& id = session.messages[random_() % session.messages.size()];
    const auto done =
        engine_.run(engine_.service().update_messages(session.id, {{id, Role::assistant, words(2, 7), ""}}));
    ASSERT_TRUE(done) << done.error().subject;
  }
  void erase() {
    auto& session = some_session();
    if (session.messages.empty()) return;
    // The best result of a question is the one whose absence shows.
    auto chosen = session.messages.begin() + static_cast<std::ptrdiff_t>(random_() % session.messages.size());
    Query query;
    query.user_id = session.user;
    query.text = questions_[random_() % questions_.size()];
    asked_[sorted_words(query.text)].insert(query.text);
    const auto answer = engine_.run(engine_.service().query(query));
    ASSERT_TRUE(answer);
    for (const auto& result : answer->results) {
      const auto found = std::find(session.messages.begin(), session.messages.end(), result.id);
      if (found == session.messages.end()) continue;
      chosen = found;
      break;
    }
    ASSERT_TRUE(engine_.run(engine_.service().erase_messages(session.id, {*chosen})));
    session.messages.erase(chosen);
  }
  void change_knowledge() {
    const auto user = some_session().user;
    auto& items = knowledge_[user];
    if (items.empty() || random_() % 3 == 0) {
      const auto added = engine_.run(engine_.service().add_knowledge(user, {words(2, 7)}));
      ASSERT_TRUE(added);
      items.push_back(added->front());
    } else if (random_() % 2 == 0) {
      ASSERT_TRUE(engine_.run(engine_.service().update_knowledge(user, {{items.back(), words(2, 7)}})));
    } else {
      ASSERT_TRUE(engine_.run(engine_.service().erase_knowledge(user, {items.back()})));
      items.pop_back();
    }
  }
  void rename() {
    const auto& session = some_session();
    ASSERT_TRUE(engine_.run(engine_.service().rename_session(session.id, "n" + std::to_string(random_()))));
  }

  Query some_query() {
    Query query;
    query.user_id = some_session().user;
    if (questions_.size() < 6 || random_() % 12 == 0) {
      questions_[random_() % questions_.size()] = words(2, 3);
      if (questions_.size() < 6) questions_.push_back(words(2, 3));
    }
    query.text = questions_[random_() % questions_.size()];
    query.top_k = 1 + static_cast<std::int64_t>(random_() % 8);
    if (random_() % 6 == 0) query.agent_id = random_() % 2 == 0 ? "one" : "two";
    if (random_() % 8 == 0) query.source = random_() % 2 == 0 ? SourceFilter::keyword : SourceFilter::vector;
    query.include_knowledge = random_() % 8 != 0;
    return query;
  }

  // Searched past the cache: that many results are never taken from it.
  Answer fresh(Query query) {
    const auto top_k = static_cast<std::size_t>(query.top_k);
    query.top_k = 1000;
    auto answer = std::move(*engine_.run(engine_.service().query(query)));
    EXPECT_EQ(answer.origin, Origin::searched);
    answer.results.resize(std::min(answer.results.size(), top_k));
    return answer;
  }

  void compare(const Query& query, const Answer& answer) {
    ++origins[answer.origin];
    ASSERT_FALSE(answer.partial);
    if (answer.origin == Origin::similar_hit) return expect_answer_of_other_wording(query, answer);
    ASSERT_EQ(describe(answer), describe(fresh(query))) << query.text;
    if (answer.origin != Origin::exact_hit || random_() % 10 > 0) return;
    engine_.run(cleared());
    const auto again = engine_.run(engine_.service().query(query));
    ASSERT_TRUE(again);
    ASSERT_EQ(again->origin, Origin::searched);
    ASSERT_EQ(describe(answer), describe(*again)) << query.text;
  }
  // A similar hit is the exact answer to a question of the same words that was asked before.
  void expect_answer_of_other_wording(Query query, const Answer& answer) {
    const auto described = describe(answer);
    for (const auto& text : asked_[sorted_words(query.text)]) {
      query.text = text;
      if (describe(fresh(query)) == described) return;
    }
    FAIL() << "the answer to no question like '" << query.text << "':\n" << described;
  }
  static std::string sorted_words(const std::string& text) {
    std::istringstream words(text);
    std::multiset<std::string> sorted;
    for (std::string word; words >> word;) {
      if (word != "the") sorted.insert(word + " ");
    }
    return std::accumulate(sorted.begin(), sorted.end(), std::string());
  }
  boost::asio::awaitable<bool> cleared() {
    co_await engine_.service().clear_caches();
    co_return true;
  }

  void ask() {
    auto query = some_query();
    if (random_() % 5 == 0) query.text = "the " + query.text;
    asked_[sorted_words(query.text)].insert(query.text);
    const auto answer = engine_.run(engine_.service().query(query));
    ASSERT_TRUE(answer) << answer.error().subject;
    compare(query, *answer);
  }

  // The same question several times at once, with writes between; what is right after them is checked.
  void ask_while_writing() {
    const auto query = some_query();
    asked_[sorted_words(query.text)].insert(query.text);
    auto& session = *std::find_if(sessions_.begin(), sessions_.end(),
                                  [&](const Known& known) { return known.user == query.user_id; });
    std::vector<std::future<engine::Outcome<Answer>>> answers;
    std::vector<std::future<engine::Outcome<engine::AddAnswer>>> written;
    for (int i = 0; i < 3; ++i) {
      answers.push_back(engine_.start(engine_.service().query(query)));
      written.push_back(engine_.start(engine_.adding(session.id, {query.text})));
      answers.push_back(engine_.start(engine_.service().query(query)));
    }
    for (auto& add : written) {
      const auto answer = add.get();
      ASSERT_TRUE(answer);
      session.messages.push_back(answer->message_ids[0]);
    }
    for (auto& answer : answers) ASSERT_TRUE(answer.get());
    const auto answer = engine_.run(engine_.service().query(query));
    ASSERT_TRUE(answer);
    compare(query, *answer);
  }

  std::mt19937 random_;
  SqliteEngine engine_;
  std::vector<Known> sessions_;
  std::map<std::string, std::vector<std::string>> knowledge_;
  std::vector<std::string> questions_{"kite tea"};
  std::map<std::string, std::set<std::string>> asked_;  // texts by their sorted words
  std::uint64_t merged_ = 0;                            // of earlier runs
};

class CachedAnswers : public testing::TestWithParam<text::ChunkStrategy> {};

TEST_P(CachedAnswers, EqualFreshOnesWhateverHappensBetween) {
  std::map<Origin, int> origins;
  std::uint64_t merged = 0;
  for (unsigned seed = 1; seed <= seeds(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Play play(seed, GetParam());
    for (int step = 0; step < 400; ++step) {
      play.step();
      if (testing::Test::HasFatalFailure()) return;
    }
    for (const auto& [origin, count] : play.origins) origins[origin] += count;
    merged += play.merged();
  }
  // Or nothing was tested.
  EXPECT_GT(origins[Origin::exact_hit], 20 * static_cast<int>(seeds()));
  EXPECT_GT(origins[Origin::similar_hit], 0);
  EXPECT_GT(merged, 5u * seeds());
}

INSTANTIATE_TEST_SUITE_P(ChunkStrategies, CachedAnswers,
                         testing::Values(text::ChunkStrategy::message, text::ChunkStrategy::contextual),
                         [](const auto& strategy) {
                           return std::string(strategy.param == text::ChunkStrategy::message ? "message"
                                                                                             : "contextual");
                         });

}  // namespace
}  // namespace holdfast::query
