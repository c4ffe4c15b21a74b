// Whatever the store does to its writes, each message gets there once, in the order of its session, with its
// last content; what it refuses for good becomes a dead letter, and nothing else does.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <future>
#include <map>
#include <random>

#include "fakes/running_engine.hpp"
#include "fakes/scripted_store.hpp"

namespace holdfast {
namespace {

using store::Fate;

// Small buffers and quick retries over a store that goes wrong.
struct Delivery : engine::RunningEngine {
  explicit Delivery(store::ScriptedStore& store, std::size_t max_buffer_bytes = 64u << 20,
                    std::uint64_t max_journal_bytes = 1u << 30)
      : RunningEngine(options(max_buffer_bytes, max_journal_bytes), store) {}
  static engine::Options options(std::size_t max_buffer_bytes, std::uint64_t max_journal_bytes) {
    engine::Options options;
    options.max_buffer_bytes = max_buffer_bytes;
    options.max_journal_bytes = max_journal_bytes;
    options.buffer.round.max_rounds = 2;
    options.buffer.hybrid.max_rounds = 2;
    options.flush.workers = 2;
    options.flush.retry_delay = std::chrono::milliseconds(1);
    options.flush.max_retry_delay = std::chrono::milliseconds(5);
    return options;
  }
  std::string new_session(const std::string& user) { return add_session(user, "a"); }
  engine::Outcome<engine::AddAnswer> add_with_id(const std::string& session, const std::string& id,
                                                 const std::string& content) {
    ingest::AddRequest request;
    request.session_id = session;
    request.messages.resize(1);
    request.messages[0].id = id;
    request.messages[0].content = content;
    return run(service().add_messages(std::move(request)));
  }
  auto erase(const std::string& session, const std::string& id) {
    return run(service().erase_messages(session, {id}));
  }
  void set_mode(engine::Mode mode) {
    const auto set = [](engine::UserShard& shard, engine::Mode to) -> boost::asio::awaitable<void> {
      auto changed = *shard.parts.options;
      changed.mode = to;
      shard.parts.options = std::make_shared<const engine::Options>(changed);
      shard.flush_loop.reconfigured();
      co_return;
    };
    start(set(shard(), mode)).get();
  }
};

// A thread-safe source of fates, weighed anew with each seed; commits everything once calm.
class Weather {
 public:
  explicit Weather(unsigned seed) : random_(seed), bad_(random_() % 60) {}
  Fate operator()() {
    std::unique_lock lock(mutex_);
    if (calm_) return Fate::commit;
    const auto roll = random_() % 100;
    const auto turns = roll % 17 == 0 ? random_() % 10'000 : 0;
    const auto fate = roll >= bad_ ? Fate::commit : static_cast<Fate>(1 + roll % 3);
    lock.unlock();
    for (auto left = turns; left > 0; --left) std::this_thread::yield();  // late
    return fate;
  }
  void calm_down() {
    const std::lock_guard lock(mutex_);
    calm_ = true;
  }

 private:
  std::mutex mutex_;
  std::mt19937 random_;
  const unsigned bad_;
  bool calm_ = false;
};

unsigned seeds() {
  const char* wanted = std::getenv("HOLDFAST_STORE_SEEDS");
  return wanted ? static_cast<unsigned>(std::atoi(wanted)) : 12;
}

struct Expected {
  std::vector<std::string> ids;
  std::map<std::string, std::string> contents;
};

void play(Delivery& delivery, std::mt19937& random, std::map<std::string, Expected>& sessions) {
  for (int step = 0; step < 60; ++step) {
    auto& [session, expected] = *std::next(sessions.begin(), static_cast<int>(random() % sessions.size()));
    const auto kind = random() % 10;
    if (kind < 7 || expected.ids.empty()) {
      std::vector<std::string> contents;
      for (auto left = 1 + random() % 4; left > 0; --left)
        contents.push_back("word " + std::to_string(random()));
      const auto answer = delivery.add(session, contents);
      ASSERT_TRUE(answer) << answer.error().subject;
      for (std::size_t i = 0; i < contents.size(); ++i) {
        expected.ids.push_back(answer->message_ids[i]);
        expected.contents[answer->message_ids[i]] = contents[i];
      }
    } else if (kind < 9) {
      const auto id = expected.ids[random() % expected.ids.size()];
      const auto content = "changed " + std::to_string(random());
      const auto done =
          delivery.run(delivery.service().update_messages(session, {{id, Role::user, content, ""}}));
      ASSERT_TRUE(done) << done.error().subject;
      expected.contents[id] = content;
    } else {
      const auto index = random() % expected.ids.size();
      const auto id = expected.ids[index];
      ASSERT_TRUE(delivery.run(delivery.service().erase_messages(session, {id})));
      expected.ids.erase(expected.ids.begin() + static_cast<std::ptrdiff_t>(index));
    }
  }
}

TEST(Delivered, OnceAndInOrderWhateverTheStoreDoes) {
  for (unsigned seed = 1; seed <= seeds(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Weather weather(seed);
    store::ScriptedStore store([&] { return weather(); });
    Delivery delivery(store);
    std::mt19937 random(seed);
    std::map<std::string, Expected> sessions;
    for (int i = 0; i < 5; ++i) sessions[delivery.new_session("user " + std::to_string(i % 2))];
    play(delivery, random, sessions);
    if (testing::Test::HasFatalFailure()) return;
    weather.calm_down();
    ASSERT_EQ(delivery.drain(), 0u);
    for (const auto& [session, expected] : sessions) {
      const auto stored = store.stored(session);
      std::vector<std::string> ids;
      std::uint64_t seq = 0;
      for (const auto& message : stored) {
        ids.push_back(message.id);
        EXPECT_GT(message.seq, seq);
        seq = message.seq;
        EXPECT_EQ(message.content, expected.contents.at(message.id));
      }
      EXPECT_EQ(ids, expected.ids);
    }
    EXPECT_EQ(delivery.letters().count(), 0u);
    EXPECT_TRUE(delivery.run(delivery.service().largest_users(10)).empty());  // nothing is held of anybody
  }
}

TEST(Delivered, WhatIsRefusedForGoodIsADeadLetterAndTheRestIsStoredInOrder) {
  for (unsigned seed = 1; seed <= 5; ++seed) {
    Weather weather(seed);
    store::ScriptedStore store([&] { return weather(); },
                               [](const std::string& content) { return content.starts_with("poison"); });
    Delivery delivery(store);
    std::mt19937 random(seed);
    const auto session = delivery.new_session("u");
    std::vector<std::string> good;
    std::size_t bad = 0;
    for (int i = 0; i < 30; ++i) {
      std::vector<std::string> contents;
      for (auto left = 1 + random() % 5; left > 0; --left) {
        const bool poison = random() % 9 == 0;
        contents.push_back((poison ? "poison " : "good ") + std::to_string(random()));
        poison ? void(++bad) : good.push_back(contents.back());
      }
      ASSERT_TRUE(delivery.add(session, contents));
    }
    weather.calm_down();
    ASSERT_EQ(delivery.drain(), 0u);
    std::vector<std::string> stored;
    for (const auto& message : store.stored(session)) stored.push_back(message.content);
    EXPECT_EQ(stored, good);
    EXPECT_EQ(delivery.letters().count(), bad);
    EXPECT_EQ(delivery.probes().shards[0]->stored_messages.value(), good.size());
  }
}

TEST(Delivered, WhenEverythingIsRefusedItIsAnOutage) {
  std::atomic<bool> refuse = true;
  store::ScriptedStore store([] { return Fate::commit; }, [&](const std::string&) { return refuse.load(); });
  Delivery delivery(store);
  std::vector<std::string> sessions;
  for (int i = 0; i < 40; ++i) {
    sessions.push_back(delivery.new_session("u" + std::to_string(i)));
    ASSERT_TRUE(delivery.add(sessions.back(), {"a message"}));
  }
  EXPECT_GT(delivery.drain(std::chrono::seconds(2)), 0u);
  EXPECT_LE(delivery.letters().count(), 10u);
  refuse = false;
  EXPECT_EQ(delivery.drain(), 0u);
  std::size_t stored = 0;
  for (const auto& session : sessions) stored += store.stored(session).size();
  EXPECT_EQ(stored + delivery.letters().count(), sessions.size());
}

// The store takes nothing for a while: memory keeps a window, the journal the rest; all of it gets there.
TEST(Delivered, AnOutageLongerThanMemoryIsReadBackFromTheJournal) {
  std::atomic<bool> down = true;
  store::ScriptedStore store([&] { return down ? Fate::fail : Fate::commit; });
  constexpr std::size_t kBudget = 300'000;
  Delivery delivery(store, kBudget);
  const std::vector<std::string> sessions{delivery.new_session("a"), delivery.new_session("b"),
                                          delivery.new_session("c")};
  std::map<std::string, std::vector<std::string>> sent;
  for (int i = 0; i < 20; ++i)
    ASSERT_TRUE(delivery.add(sessions[0], {sent[sessions[0]].emplace_back("first")}));
  while (!delivery.workers().breaker().open()) (void)delivery.drain(std::chrono::seconds(0));
  std::mt19937 random(5);
  for (int i = 0; i < 3000; ++i) {
    const auto& session = sessions[random() % 3];
    const auto content = std::to_string(i) + std::string(random() % 500, 'x');
    const auto answer = delivery.add(session, {content});
    ASSERT_TRUE(answer) << answer.error().subject;
    sent[session].push_back(content);
  }
  const auto& probe = *delivery.probes().shards[0];
  EXPECT_GT(probe.backlog_messages.value(), 1000u);
  const auto& owed = delivery.probes().journal.unacknowledged;  // published after the answer
  while (owed.value() < 3020) std::this_thread::yield();
  EXPECT_EQ(owed.value(), 3020u) << "nothing is owed less before it is stored";
  std::uint64_t held = 0;
  for (const auto stage :
       {metrics::Stage::round_buffer, metrics::Stage::hybrid_buffer, metrics::Stage::in_flight}) {
    held += probe.stages[stage].bytes_in.value() - probe.stages[stage].bytes_out.value();
  }
  EXPECT_LE(held, kBudget);
  down = false;
  ASSERT_EQ(delivery.drain(), 0u);
  EXPECT_EQ(probe.backlog_messages.value(), 0u);
  for (const auto& session : sessions) {
    std::vector<std::string> stored;
    for (const auto& message : store.stored(session)) stored.push_back(message.content);
    EXPECT_EQ(stored, sent[session]);
  }
}

TEST(Delivered, OnceAndInOrderWhereMemoryIsCriticalNowAndThen) {
  store::ScriptedStore store([] { return Fate::commit; });
  Delivery delivery(store);
  const std::vector<std::string> sessions{delivery.new_session("a"), delivery.new_session("b")};
  std::map<std::string, std::vector<std::string>> sent;
  for (int i = 0; i < 200; ++i) {
    delivery.pressure().set_level(i / 25 % 2 == 1 ? memory::Level::critical : memory::Level::normal);
    const auto& session = sessions[static_cast<unsigned>(i) % 2];
    sent[session].push_back("message " + std::to_string(i));
    ASSERT_TRUE(delivery.add(session, {sent[session].back()}));
  }
  EXPECT_GE(delivery.pressure().counted(memory::Action::kept_in_journal), 100u);
  ASSERT_EQ(delivery.drain(), 0u);  // still critical
  EXPECT_EQ(delivery.probes().shards[0]->backlog_messages.value(), 0u);
  for (const auto& session : sessions) {
    std::vector<std::string> stored;
    for (const auto& message : store.stored(session)) stored.push_back(message.content);
    EXPECT_EQ(stored, sent[session]);
  }
}

TEST(Delivered, WhereMemoryIsCriticalAUserAboveAFairShareIsRefused) {
  store::ScriptedStore store([] { return Fate::commit; });
  Delivery delivery(store, 1'000'000);
  for (const auto* user : {"b", "c", "d"}) ASSERT_TRUE(delivery.add(delivery.new_session(user), {"a word"}));
  const auto session = delivery.new_session("a");
  const std::string more_than_a_sixth(200'000, 'x');
  delivery.pressure().set_level(memory::Level::critical);
  const auto refused = delivery.add(session, {more_than_a_sixth});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, engine::FailureKind::over_quota);
  EXPECT_EQ(refused.error().reason, metrics::RefusalReason::memory_pressure);
  EXPECT_EQ(delivery.pressure().counted(memory::Action::refused_above_share), 1u);
  EXPECT_TRUE(delivery.add(session, {"a word"}));
  delivery.pressure().set_level(memory::Level::normal);
  EXPECT_TRUE(delivery.add(delivery.new_session("e"), {more_than_a_sixth}));
}

TEST(Delivered, AUserWhoHoldsLittleStaysInMemoryWhileAFloodFillsIt) {
  store::ScriptedStore store([] { return Fate::fail; });
  Delivery delivery(store, 300'000);
  const auto quiet = delivery.new_session("quiet");
  std::vector<std::string> flood;
  for (int i = 0; i < 4; ++i) flood.push_back(delivery.new_session("flood " + std::to_string(i)));
  ASSERT_TRUE(delivery.add(quiet, {"first"}));
  while (!delivery.workers().breaker().open()) (void)delivery.drain(std::chrono::seconds(0));
  for (int i = 0; i < 2000; ++i)
    ASSERT_TRUE(delivery.add(flood[static_cast<unsigned>(i) % 4], {std::string(500, 'x')}));
  EXPECT_GT(delivery.probes().shards[0]->backlog_messages.value(), 1000u);
  for (int i = 0; i < 20; ++i) {
    const auto added = delivery.add(quiet, {"a word"});
    ASSERT_TRUE(added);
    EXPECT_TRUE(delivery.run(delivery.service().read_messages(quiet, added->message_ids)));
  }
}

TEST(Delivered, AFloodDoesNotTakeTheLastOfTheJournalFromTheOthers) {
  store::ScriptedStore store([] { return Fate::fail; });
  Delivery delivery(store, 200'000, 20u << 20);
  std::vector<std::string> flood;
  for (int i = 0; i < 5; ++i) flood.push_back(delivery.new_session("flood " + std::to_string(i)));
  ASSERT_TRUE(delivery.add(flood[0], {"first"}));
  while (!delivery.workers().breaker().open()) (void)delivery.drain(std::chrono::seconds(0));
  bool refused = false;
  for (int i = 0; i < 10'000 && !refused; ++i) {
    const auto answer = delivery.add(flood[static_cast<unsigned>(i) % 5], {std::string(20'000, 'x')});
    if (answer) continue;
    refused = true;
    EXPECT_EQ(answer.error().kind, engine::FailureKind::over_quota) << answer.error().subject;
  }
  EXPECT_TRUE(refused);
  const auto quiet = delivery.new_session("quiet");
  for (int i = 0; i < 20; ++i) EXPECT_TRUE(delivery.add(quiet, {"a word"}));
}

// A message that is only in the journal when a reader asks, and is stored before the reader gets the store's
// answer, which does not know it yet.
TEST(Delivered, AMessageOnItsWayOutOfTheJournalIsNeverSaidToBeUnknown) {
  std::atomic<bool> down = true;
  store::ScriptedStore store([&] { return down ? Fate::fail : Fate::commit; });
  Delivery delivery(store, 100'000);
  const auto session = delivery.new_session("a");
  const auto& backlog = delivery.probes().shards[0]->backlog_messages;
  ASSERT_TRUE(delivery.add(session, {"first"}));
  while (!delivery.workers().breaker().open()) (void)delivery.drain(std::chrono::seconds(0));
  std::string last;
  while (backlog.value() < 10) {
    const auto answer = delivery.add(session, {std::string(1000, 'x')});
    ASSERT_TRUE(answer) << answer.error().subject;
    last = answer->message_ids[0];
  }
  store.after_find = [&] {
    down = false;
    while (backlog.value() > 0) std::this_thread::yield();
  };
  const auto read = delivery.run(delivery.service().read_messages(session, {last}));
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().kind, engine::FailureKind::unavailable);
  ASSERT_EQ(delivery.drain(), 0u);
  EXPECT_TRUE(delivery.run(delivery.service().read_messages(session, {last})));
}

// What is known of a message that is only in the journal is its id, and of whom there are many not even that.
TEST(Delivered, AnIdIsInDoubtOnlyWhereItsMessageMayBeInTheJournalAlone) {
  std::atomic<bool> down = true;
  store::ScriptedStore store([&] { return down ? Fate::fail : Fate::commit; });
  Delivery delivery(store, 100'000);
  const auto few = delivery.new_session("few"), many = delivery.new_session("many");
  ASSERT_TRUE(delivery.add(few, {"first"}));
  while (!delivery.workers().breaker().open()) (void)delivery.drain(std::chrono::seconds(0));
  const auto& backlog = delivery.probes().shards[0]->backlog_messages;
  const auto add_to_journal = [&](const std::string& session, std::uint64_t messages) {
    std::string last;
    const std::vector<std::string> contents(10, std::string(500, 'x'));
    for (const auto until = backlog.value() + messages; backlog.value() < until;) {
      const auto answer = delivery.add(session, contents);
      EXPECT_TRUE(answer);
      last = answer->message_ids[0];
    }
    return last;
  };
  const auto failure = [&](const std::string& session, const std::string& id) {
    const auto read = delivery.run(delivery.service().read_messages(session, {id}));
    return read ? std::nullopt : std::optional(read.error().kind);
  };
  using engine::FailureKind;
  const auto last_of_few = add_to_journal(few, 20);
  EXPECT_EQ(failure(few, last_of_few), FailureKind::unavailable);
  EXPECT_EQ(failure(few, "unknown"), FailureKind::not_found);
  add_to_journal(many, 5100);
  EXPECT_EQ(failure(many, "unknown"), FailureKind::unavailable);
  EXPECT_EQ(failure(few, "unknown"), FailureKind::not_found) << "another user's are not in the way";
  down = false;
  ASSERT_EQ(delivery.drain(), 0u);
  EXPECT_EQ(failure(few, last_of_few), std::nullopt);
  EXPECT_EQ(failure(many, "unknown"), FailureKind::not_found);
  down = true;
  while (!delivery.workers().breaker().open()) {
    (void)delivery.add(many, {"again"});
    (void)delivery.drain(std::chrono::seconds(0));
  }
  EXPECT_EQ(failure(many, add_to_journal(many, 20)), FailureKind::unavailable) << "kept again";
  EXPECT_EQ(failure(many, "unknown"), FailureKind::not_found);
}

// The record still holds what is a dead letter; what comes behind it is owed all the same.
TEST(Delivered, WhatComesBackFromTheJournalIsWithoutItsDeadLetters) {
  std::atomic<bool> down = true;
  store::ScriptedStore store([&] { return down ? Fate::fail : Fate::commit; });
  Delivery delivery(store, 100'000);
  const auto session = delivery.new_session("a");
  std::vector<std::string> expected{"first"};
  ASSERT_TRUE(delivery.add(session, {"first"}));
  while (!delivery.workers().breaker().open()) (void)delivery.drain(std::chrono::seconds(0));
  while (expected.size() < 200) {  // more than memory takes
    expected.push_back(std::string(500, 'x'));
    ASSERT_TRUE(delivery.add(session, {expected.back()}));
  }
  const auto partly_dead = delivery.add(session, {"dead", "alive"});
  ASSERT_TRUE(partly_dead);
  flush::DeadLetter letter;
  const auto lsn = expected.size() + 1;  // each add is a record
  while (delivery.probes().journal.last_lsn.value() < lsn) std::this_thread::yield();
  ASSERT_EQ(delivery.probes().journal.last_lsn.value(), lsn);
  letter.id = flush::dead_letter_id(lsn, partly_dead->message_ids[0]);
  ASSERT_TRUE(delivery.letters().put(letter));
  expected.push_back("alive");
  for (int i = 0; i < 60; ++i) {  // more than is read at once
    expected.push_back(std::to_string(i) + std::string(500, 'x'));
    ASSERT_TRUE(delivery.add(session, {expected.back()}));
  }
  delivery.restart();
  const auto& backlog = delivery.probes().shards[0]->backlog_messages;
  EXPECT_GE(backlog.value(), 61u);
  down = false;
  ASSERT_EQ(delivery.drain(), 0u);
  EXPECT_EQ(backlog.value(), 0u);
  std::vector<std::string> stored;
  for (const auto& message : store.stored(session)) stored.push_back(message.content);
  EXPECT_EQ(stored, expected);
}

TEST(Delivered, AFloodOfManyUsersDoesNotMakeTheIdsOfTheOthersDoubtful) {
  store::ScriptedStore store([] { return Fate::fail; });
  Delivery delivery(store, 300'000);
  ASSERT_TRUE(delivery.add(delivery.new_session("a"), {"first"}));
  while (!delivery.workers().breaker().open()) (void)delivery.drain(std::chrono::seconds(0));
  delivery.pressure().set_level(memory::Level::critical);  // everybody's messages stay in the journal
  for (int i = 0; i < 10; ++i) {
    const auto session = delivery.new_session("flood " + std::to_string(i));
    for (int step = 0; step < 50; ++step) {
      ASSERT_TRUE(delivery.add(session, std::vector<std::string>(100, "x")));
    }
  }
  const auto quiet = delivery.new_session("quiet");
  const auto added = delivery.add(quiet, {"a word", "another"});
  ASSERT_TRUE(added);
  const auto read = [&](const std::string& id) {
    return delivery.run(delivery.service().read_messages(quiet, {id})).error().kind;
  };
  EXPECT_EQ(read(added->message_ids[1]), engine::FailureKind::unavailable);
  EXPECT_EQ(read("unheard of"), engine::FailureKind::not_found);
}

TEST(Delivered, ChangesAreNotReplayedBeforeWhatTheyChange) {
  std::atomic<bool> down = true;
  store::ScriptedStore store([&] { return down ? Fate::fail : Fate::commit; });
  Delivery delivery(store);
  const auto session = delivery.new_session("a");
  const auto added = delivery.add(session, {"stays", "is changed", "is deleted"});
  ASSERT_TRUE(added);
  const auto& ids = added->message_ids;
  ASSERT_TRUE(
      delivery.run(delivery.service().update_messages(session, {{ids[1], Role::user, "changed", ""}})));
  ASSERT_TRUE(delivery.run(delivery.service().erase_messages(session, {ids[2]})));
  delivery.shut_down();
  down = false;
  delivery.boot(memory::Level::critical);  // what is replayed stays in the journal at first
  EXPECT_GE(delivery.pressure().counted(memory::Action::kept_in_journal), 1u);
  ASSERT_EQ(delivery.drain(), 0u);
  std::vector<std::string> stored;
  for (const auto& message : store.stored(session)) stored.push_back(message.content);
  EXPECT_EQ(stored, (std::vector<std::string>{"stays", "changed"}));
}

std::vector<std::string> contents_of(const store::ScriptedStore& store, const std::string& session) {
  std::vector<std::string> contents;
  for (const auto& message : store.stored(session)) contents.push_back(message.content);
  return contents;
}

TEST(Delivered, AMessageThatWaitsInTheJournalIsNotDeletedFromTheStoreAlone) {
  std::atomic<Fate> fate = Fate::commit_unanswered;  // stored, and a crash before that is noted
  store::ScriptedStore store([&] { return fate.load(); });
  Delivery delivery(store);
  const auto session = delivery.new_session("a");
  const auto added = delivery.add(session, {"is deleted"});
  ASSERT_TRUE(added);
  while (store.stored(session).empty()) (void)delivery.drain(std::chrono::seconds(0));
  delivery.shut_down();
  fate = Fate::fail;
  delivery.boot(memory::Level::critical);
  const auto refused = delivery.erase(session, added->message_ids[0]);  // unless it is read back already
  if (!refused) {
    EXPECT_EQ(refused.error().kind, engine::FailureKind::unavailable);
  }
  fate = Fate::commit;
  ASSERT_EQ(delivery.drain(), 0u);
  if (!refused) {
    EXPECT_TRUE(delivery.erase(session, added->message_ids[0]));
  }
  ASSERT_EQ(delivery.drain(), 0u);
  EXPECT_TRUE(store.stored(session).empty());
}

// The journal could delete nothing behind a deletion that is never acknowledged.
TEST(Delivered, ADeletionIsAcknowledgedWhereverItsMessagesAre) {
  store::ScriptedStore store([] { return Fate::commit; });
  Delivery delivery(store);
  const auto session = delivery.new_session("a");
  const auto stored = delivery.add(session, {"stored", "stays"});
  ASSERT_EQ(delivery.drain(), 0u);
  const auto one = delivery.add(session, {"a", "b"}), other = delivery.add(session, {"c", "d"});
  ASSERT_TRUE(one && other);
  const auto erase = [&](const std::vector<std::string>& ids) {
    EXPECT_TRUE(delivery.run(delivery.service().erase_messages(session, ids)));
  };
  erase(one->message_ids);                                 // a whole round
  erase({other->message_ids[0], stored->message_ids[0]});  // of a round, and stored
  const auto third = delivery.add(session, {"e", "f"});
  erase({third->message_ids[0], third->message_ids[1], stored->message_ids[1]});  // a round, and stored
  ASSERT_EQ(delivery.drain(), 0u);
  const auto& owed = delivery.probes().journal.unacknowledged;
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (owed.value() > 0 && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
  EXPECT_EQ(owed.value(), 0u);
  EXPECT_EQ(contents_of(store, session), std::vector<std::string>{"d"});
}

TEST(Delivered, AnIdThatAnotherSessionIsDeletingIsNotTakenYet) {
  std::atomic<Fate> fate = Fate::commit;
  store::ScriptedStore store([&] { return fate.load(); });
  Delivery delivery(store);
  const auto one = delivery.new_session("a"), other = delivery.new_session("a");
  ASSERT_TRUE(delivery.add_with_id(one, "m", "old"));
  ASSERT_EQ(delivery.drain(), 0u);
  fate = Fate::fail;
  ASSERT_TRUE(delivery.erase(one, "m"));
  const auto refused = delivery.add_with_id(other, "m", "new");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, engine::FailureKind::in_progress);
  EXPECT_TRUE(delivery.add_with_id(one, "m", "new")) << "a session's own order is kept";
  fate = Fate::commit;
  ASSERT_EQ(delivery.drain(), 0u);
  EXPECT_EQ(contents_of(store, one), std::vector<std::string>{"new"});
}

TEST(Delivered, WhatIsWrittenPastTheBuffersOutlivesAnOlderDeletionInTheJournal) {
  store::ScriptedStore store([] { return Fate::commit; });
  Delivery delivery(store);
  const auto session = delivery.new_session("a");
  ASSERT_TRUE(delivery.add_with_id(session, "m", "old"));
  ASSERT_TRUE(delivery.erase(session, "m"));
  ASSERT_TRUE(delivery.add(session, {"another"}));
  ASSERT_EQ(delivery.drain(), 0u);
  delivery.set_mode(engine::Mode::bypass);
  ASSERT_TRUE(delivery.add_with_id(session, "m", "new"));
  delivery.restart();
  ASSERT_EQ(delivery.drain(), 0u);
  EXPECT_EQ(contents_of(store, session), (std::vector<std::string>{"another", "new"}));
}

TEST(Delivered, WhatIsDeletedPastTheBuffersStaysDeletedAfterAPowerCut) {
  store::ScriptedStore store([] { return Fate::commit; });
  Delivery delivery(store);
  const auto session = delivery.new_session("a");
  ASSERT_TRUE(delivery.add_with_id(session, "m", "buffered"));
  ASSERT_EQ(delivery.drain(), 0u);
  delivery.set_mode(engine::Mode::bypass);
  ASSERT_TRUE(delivery.erase(session, "m"));
  delivery.crash();
  delivery.boot();
  ASSERT_EQ(delivery.drain(), 0u);
  EXPECT_TRUE(store.stored(session).empty());
}

// A store that holds a write until it is told to go on, and refuses poison.
struct HeldStore {
  std::promise<void> go_on;
  store::ScriptedStore store{
      [released = go_on.get_future().share()] { return released.wait(), Fate::commit; },
      [](const std::string& content) { return content.starts_with("poison"); }};
};

std::vector<std::string> letters_of(flush::DeadLetters& letters) {
  std::vector<std::string> contents;
  for (const auto& listed : letters.list(10)) {
    const auto letter = letters.find(listed.id);
    if (!letter || !*letter) continue;  // gone meanwhile
    const auto insert = *journal::decode(journal::RecordType::append, (*letter)->payload);
    contents.push_back(std::get<journal::AppendRecord>(insert).round.messages[0].content);
  }
  return contents;
}

TEST(DeadLetters, GoWithTheirMessageAndChangeWithIt) {
  HeldStore held;
  Delivery delivery(held.store);
  const auto session = delivery.new_session("a");
  ASSERT_TRUE(delivery.add_with_id(session, "deleted", "poison"));
  ASSERT_TRUE(delivery.add_with_id(session, "changed", "poison, too"));
  (void)delivery.drain(std::chrono::seconds(0));  // both are with a worker
  ASSERT_TRUE(delivery.erase(session, "deleted"));
  ASSERT_TRUE(
      delivery.run(delivery.service().update_messages(session, {{"changed", Role::user, "better", ""}})));
  held.go_on.set_value();
  ASSERT_EQ(delivery.drain(), 0u);
  ASSERT_EQ(letters_of(delivery.letters()), std::vector<std::string>{"better"});
  EXPECT_TRUE(delivery.run(delivery.service().retry_dead_letter(delivery.letters().list(1)[0].id)));
  ASSERT_EQ(delivery.drain(), 0u);
  EXPECT_EQ(contents_of(held.store, session), std::vector<std::string>{"better"});
  EXPECT_EQ(delivery.letters().count(), 0u);
}

TEST(DeadLetters, AreLeftAloneWhileTheirBatchIsUnderWay) {
  std::atomic<bool> down = true;
  std::atomic<int> calls = 0;
  // Refused: the batch, and again after an empty one was taken, and its first half. Then the store is down.
  store::ScriptedStore store([&] { return ++calls > 4 && down ? Fate::fail : Fate::commit; },
                             [](const std::string& content) { return content.starts_with("poison"); });
  Delivery delivery(store);
  const auto session = delivery.new_session("a");
  ASSERT_TRUE(delivery.add(session, {"poison", "good"}));
  (void)delivery.drain(std::chrono::seconds(0));
  while (delivery.letters().count() == 0) std::this_thread::yield();
  const auto letter = delivery.letters().list(1)[0].id;
  const auto early = delivery.run(delivery.service().erase_dead_letter(letter));
  ASSERT_FALSE(early);
  EXPECT_EQ(early.error().kind, engine::FailureKind::in_progress);
  down = false;
  ASSERT_EQ(delivery.drain(), 0u);
  EXPECT_TRUE(delivery.run(delivery.service().erase_dead_letter(letter)));
  ASSERT_EQ(delivery.drain(), 0u);
  EXPECT_EQ(contents_of(store, session), std::vector<std::string>{"good"});
}

TEST(DeadLetters, OutliveWhatWasDoneToAnOlderMessageOfTheirId) {
  store::ScriptedStore store([] { return Fate::commit; },
                             [](const std::string& content) { return content.starts_with("poison"); });
  Delivery delivery(store);
  const auto session = delivery.new_session("a");
  ASSERT_TRUE(delivery.add_with_id(session, "m", "old"));
  ASSERT_EQ(delivery.drain(), 0u);
  ASSERT_TRUE(delivery.run(delivery.service().update_messages(session, {{"m", Role::user, "older", ""}})));
  ASSERT_TRUE(delivery.erase(session, "m"));
  ASSERT_EQ(delivery.drain(), 0u);
  ASSERT_TRUE(delivery.add_with_id(session, "m", "poison"));
  ASSERT_EQ(delivery.drain(), 0u);
  delivery.restart();  // both changes are replayed
  ASSERT_EQ(delivery.drain(), 0u);
  EXPECT_EQ(letters_of(delivery.letters()), std::vector<std::string>{"poison"});
}

TEST(DeadLetters, OfAMessageThatWasAddedAgainIsRemovedAlone) {
  store::ScriptedStore store([] { return Fate::commit; },
                             [](const std::string& content) { return content.starts_with("poison"); });
  Delivery delivery(store);
  const auto session = delivery.new_session("a");
  ASSERT_TRUE(delivery.add_with_id(session, "m", "poison"));
  ASSERT_EQ(delivery.drain(), 0u);
  ASSERT_TRUE(delivery.add_with_id(session, "m", "good"));
  ASSERT_EQ(delivery.letters().count(), 1u);
  ASSERT_TRUE(delivery.run(delivery.service().erase_dead_letter(delivery.letters().list(1)[0].id)));
  ASSERT_EQ(delivery.drain(), 0u);
  EXPECT_EQ(contents_of(store, session), std::vector<std::string>{"good"});
  EXPECT_EQ(delivery.letters().count(), 0u);
}

TEST(LargestUsers, AreFoundAmongMoreThanOneStepOfTheWalkSees) {
  store::ScriptedStore store([] { return Fate::commit; });
  Delivery delivery(store);
  constexpr int kUsers = 1200;
  static_assert(kUsers > engine::kBucketsAtOnce);
  for (int i = 1; i <= kUsers; ++i) {
    const auto session = delivery.new_session("user " + std::to_string(i));
    ASSERT_TRUE(delivery.add(session, {std::string(static_cast<std::size_t>(i), 'x')}));
  }
  ASSERT_TRUE(delivery.add(delivery.new_session("user 900"), {"a", "b"}));
  const auto largest = delivery.run(delivery.service().largest_users(3));
  ASSERT_EQ(largest.size(), 3u);
  const auto is = [](const service::LargeUser& user, const char* id, std::uint64_t messages,
                     std::size_t content) {
    EXPECT_EQ(user.memory.user_id, id);
    EXPECT_EQ(user.memory.messages, messages);
    EXPECT_EQ(user.memory.buffered_bytes, content + messages * metrics::kMessageOverhead);
    EXPECT_EQ(user.memory.cache_bytes, 0u);
  };
  is(largest[0], "user 900", 3, 902);
  is(largest[1], "user 1200", 1, 1200);
  is(largest[2], "user 1199", 1, 1199);
  EXPECT_EQ(delivery.run(delivery.service().largest_users(2000)).size(), static_cast<std::size_t>(kUsers));
  ASSERT_EQ(delivery.drain(), 0u);
  EXPECT_TRUE(delivery.run(delivery.service().largest_users(3)).empty());
}

}  // namespace
}  // namespace holdfast
