// Whatever the store does to its writes, each message gets there once, in the order of its session, with its
// last content; what it refuses for good becomes a dead letter, and nothing else does.
#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <random>

#include "delivery.hpp"

namespace holdfast {
namespace {

using store::Fate;

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
    EXPECT_EQ(contents_of(store, session), good);
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

// The deletion is repeated when the journal is replayed, and the message that was added again is not.
TEST(Delivered, AnUpdateOfAMessageThatWasAddedAgainOutlivesACrash) {
  std::atomic<Fate> fate = Fate::commit;
  store::ScriptedStore store([&] { return fate.load(); });
  Delivery delivery(store);
  const auto session = delivery.new_session("a");
  const auto stored = [&] { return delivery.drain() == 0; };
  ASSERT_TRUE(delivery.add_with_id(session, "m", "first") && stored());
  ASSERT_TRUE(delivery.erase(session, "m") && stored());
  ASSERT_TRUE(delivery.add_with_id(session, "m", "second") && stored());
  fate = Fate::fail;
  ASSERT_TRUE(delivery.run(delivery.service().update_messages(session, {{"m", Role::user, "third", ""}})));
  delivery.restart();
  const auto read = delivery.run(delivery.service().read_messages(session, {"m"}));
  ASSERT_TRUE(read) << "while the deletion is repeated";
  EXPECT_EQ(read->front().content, "third");
  EXPECT_FALSE(delivery.add_with_id(session, "m", "fourth"));
  fate = Fate::commit;
  ASSERT_EQ(delivery.drain(), 0u);
  EXPECT_EQ(contents_of(store, session), std::vector<std::string>{"third"});
}

TEST(Delivered, AnUpdateThatMeetsADeletionDoesNotBringItsMessageBack) {
  std::atomic<Fate> fate = Fate::fail;
  store::ScriptedStore store([&] { return fate.load(); });
  Delivery delivery(store);
  const auto session = delivery.new_session("a");
  ASSERT_TRUE(delivery.add_with_id(session, "m", "first"));
  auto erased = delivery.start(delivery.service().erase_messages(session, {"m"}));
  auto updated =
      delivery.start(delivery.service().update_messages(session, {{"m", Role::user, "again", ""}}));
  EXPECT_TRUE(erased.get());
  const auto late = updated.get();
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().kind, engine::FailureKind::not_found);
  EXPECT_FALSE(delivery.run(delivery.service().read_messages(session, {"m"})));
  ASSERT_TRUE(delivery.add_with_id(session, "m", "again"));
  fate = Fate::commit;
  ASSERT_EQ(delivery.drain(), 0u);
  EXPECT_EQ(contents_of(store, session), std::vector<std::string>{"again"});
}

}  // namespace
}  // namespace holdfast
