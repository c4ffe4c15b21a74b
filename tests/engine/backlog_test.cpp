// What memory does not take stays in the journal, and gets from there to the store once and in order;
// nobody's flood is at the cost of the others.
#include <gtest/gtest.h>

#include <map>
#include <random>

#include "delivery.hpp"

namespace holdfast {
namespace {

using store::Fate;

// Waits until so many batches were written, ever.
void settle(engine::RunningEngine& engine, std::uint64_t batches) {
  const auto settlement = [](engine::UserShard& shard) -> boost::asio::awaitable<void> {
    co_await shard.flush_loop.next_settlement(std::chrono::steady_clock::now() + std::chrono::seconds(1));
  };
  const auto at_most = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (engine.probes().shards[0]->flushed_batches.value() < batches &&
         std::chrono::steady_clock::now() < at_most) {
    engine.start(settlement(engine.shard())).get();
  }
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
  for (const auto& session : sessions) EXPECT_EQ(contents_of(store, session), sent[session]);
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
  for (const auto& session : sessions) EXPECT_EQ(contents_of(store, session), sent[session]);
}

// What is buffered leaves memory in the outage, and comes back from the journal: with the changes that were
// made to it, in order, once. Random adds, updates, deletions, outages and levels.
TEST(Delivered, OnceAndInOrderWhereCopiesAreDropped) {
  const auto drop = [](engine::UserShard& shard) -> boost::asio::awaitable<void> {
    shard.flush_loop.drop_copies();
    co_return;
  };
  std::uint64_t dropped = 0, refused = 0, changed = 0;
  for (unsigned seed = 1; seed <= 8; ++seed) {
    std::atomic<bool> down = false;
    store::ScriptedStore store([&] { return down ? Fate::fail : Fate::commit; });
    Delivery delivery(store);
    const std::vector<std::string> sessions{delivery.new_session("a"), delivery.new_session("a"),
                                            delivery.new_session("b")};
    std::map<std::string, std::vector<std::pair<std::string, std::string>>> sent;  // ids and contents
    std::mt19937 random(seed);
    for (int i = 0; i < 400; ++i) {
      if (i % 50 == 20) {
        down = true;
        while (!delivery.workers().breaker().open()) {
          const auto& session = sessions[random() % 3];
          const auto id = "before outage " + std::to_string(i) + ": " + std::to_string(random());
          ASSERT_TRUE(delivery.add_with_id(session, id, id));
          sent[session].emplace_back(id, id);
          (void)delivery.drain(std::chrono::seconds(0));
        }
      } else if (i % 50 == 0) {
        down = false;
      }
      const auto critical = random() % 8 == 0;
      const auto& session = sessions[random() % 3];
      auto& known = sent[session];
      const auto content = "content " + std::to_string(i);
      if (known.empty() || random() % 3 > 0) {
        const auto id = "m" + std::to_string(i);
        const auto answer = delivery.add_with_id(session, id, content);
        ASSERT_TRUE(answer) << answer.error().subject;
        known.emplace_back(id, content);
        continue;
      }
      // Mostly of what is recent.
      const auto back = std::min<std::size_t>(random() % 8, known.size() - 1);
      const auto message = known.end() - 1 - static_cast<std::ptrdiff_t>(back);
      const bool erase = random() % 4 == 0;
      auto& service = delivery.service();
      auto changing = delivery.start(
          erase ? service.erase_messages(session, {message->first})
                : service.update_messages(session, {{message->first, Role::user, content, ""}}));
      if (critical) {  // while the change is on its way to the journal, or before or after that
        delivery.pressure().set_level(memory::Level::critical);
        delivery.start(drop(delivery.shard())).get();
      }
      const bool done = static_cast<bool>(changing.get());
      if (random() % 4 > 0) delivery.pressure().set_level(memory::Level::normal);
      ++(done ? changed : refused);
      if (!done) continue;
      if (erase) {
        known.erase(message);
      } else {
        message->second = content;
      }
    }
    down = false;
    delivery.pressure().set_level(memory::Level::normal);
    ASSERT_EQ(delivery.drain(), 0u) << seed;
    dropped += delivery.pressure().counted(memory::Action::copies_dropped);
    EXPECT_EQ(delivery.probes().shards[0]->backlog_messages.value(), 0u) << seed;
    for (const auto& session : sessions) {
      std::vector<std::string> contents;
      for (const auto& [id, content] : sent[session]) contents.push_back(content);
      const auto stored = contents_of(store, session);
      for (std::size_t at = 0; at < std::max(contents.size(), stored.size()); ++at) {
        ASSERT_EQ(at < stored.size() ? stored[at] : "nothing",
                  at < contents.size() ? contents[at] : "nothing")
            << "seed " << seed << ", message " << at;
      }
    }
  }
  EXPECT_GT(dropped, 40u);
  EXPECT_GT(refused, 10u);
  EXPECT_GT(changed, 100u);
}

// Only what is with the store stays: memory is the same however much was buffered.
TEST(Delivered, WhatIsBufferedLeavesMemoryWhereItIsCriticalAndTheStoreTakesNothing) {
  std::atomic<bool> down = true;
  store::ScriptedStore store([&] { return down ? Fate::fail : Fate::commit; });
  Delivery delivery(store);
  const auto session = delivery.new_session("a");
  std::vector<std::string> sent;
  for (int i = 0; i < 300; ++i) {
    const auto& content = sent.emplace_back(std::to_string(i) + std::string(1000, 'x'));
    ASSERT_TRUE(delivery.add_with_id(session, "m" + std::to_string(i), content));
  }
  while (!delivery.workers().breaker().open()) (void)delivery.drain(std::chrono::seconds(0));
  const auto held = [&] {
    std::uint64_t bytes = 0;
    for (const auto stage : {metrics::Stage::round_buffer, metrics::Stage::hybrid_buffer}) {
      const auto& counts = delivery.probes().shards[0]->stages[stage];
      bytes += counts.bytes_in.value() - counts.bytes_out.value();
    }
    return bytes;
  };
  EXPECT_GT(held(), 250'000u);
  delivery.pressure().set_level(memory::Level::critical);
  const auto at_most = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (held() > 0 && std::chrono::steady_clock::now() < at_most) std::this_thread::yield();
  EXPECT_EQ(held(), 0u);
  EXPECT_GT(delivery.probes().shards[0]->backlog_messages.value(), 250u);
  const auto updated = delivery.update(session, "m299", "of what is in the journal alone");
  ASSERT_FALSE(updated);
  EXPECT_EQ(updated.error().kind, engine::FailureKind::unavailable);
  down = false;
  delivery.pressure().set_level(memory::Level::normal);
  ASSERT_EQ(delivery.drain(), 0u);
  EXPECT_EQ(contents_of(store, session), sent);
}

TEST(Delivered, WhatIsBufferedWhereRoomHasToBeMade) {
  store::ScriptedStore store([] { return Fate::commit; });
  Delivery delivery(store);
  constexpr int kSessions = 600;  // more than two steps of the walk
  std::vector<std::string> sessions;
  for (int i = 0; i < kSessions; ++i) {
    sessions.push_back(delivery.new_session("a"));
    ASSERT_TRUE(delivery.add(sessions.back(), {std::to_string(i)}));
  }
  const auto& flushes = delivery.probes().shards[0]->flushes[metrics::FlushReason::memory];
  EXPECT_EQ(flushes.value(), 0u);
  const auto make_room = [](engine::UserShard& shard) -> boost::asio::awaitable<void> {
    shard.flush_loop.make_room();
    co_return;
  };
  delivery.start(make_room(delivery.shard())).get();
  settle(delivery, kSessions);
  EXPECT_EQ(flushes.value(), static_cast<std::uint64_t>(kSessions));
  for (int i = 0; i < kSessions; ++i) {
    const auto& session = sessions[static_cast<unsigned>(i)];
    EXPECT_EQ(contents_of(store, session), std::vector<std::string>{std::to_string(i)});
  }
}

TEST(Delivered, WhatSomebodyWaitsForGoesBeforeWhatStoodInLine) {
  std::promise<void> open;
  std::vector<std::string> written;  // by one worker
  store::ScriptedStore store(
      [opened = open.get_future().share()] {
        opened.wait();
        return Fate::commit;
      },
      [&](const std::string& content) {
        written.push_back(content);
        return false;
      });
  auto options = Delivery::options(64u << 20, 1u << 30);
  options.flush.workers = 1;
  options.flush.queue_size = 1;
  engine::RunningEngine engine(options, store);
  const auto ask = [](engine::UserShard& shard, const std::string& session,
                      metrics::FlushReason reason) -> boost::asio::awaitable<void> {
    shard.flush_loop.request_flush(*shard.table.find_session(session), reason);
    co_return;
  };
  std::map<std::string, std::string> session_of;
  for (const auto* user : {"with the worker", "in the queue", "first in line", "second", "third"}) {
    session_of[user] = engine.add_session(user, "a");
    ASSERT_TRUE(engine.add(session_of[user], {user}));
    engine.start(ask(engine.shard(), session_of[user], metrics::FlushReason::memory)).get();
    while (engine.probes().flush.taken.value() == 0) std::this_thread::yield();
  }
  engine.start(ask(engine.shard(), session_of["third"], metrics::FlushReason::request)).get();
  open.set_value();
  settle(engine, 5);
  EXPECT_EQ(written, (std::vector<std::string>{"with the worker", "in the queue", "third", "first in line",
                                               "second"}));
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
  EXPECT_EQ(contents_of(store, session), expected);
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
  EXPECT_EQ(contents_of(store, session), (std::vector<std::string>{"stays", "changed"}));
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

// What is added and has no room stays in the journal; changes cannot.
TEST(Delivered, ChangesThatWaitForTheStoreAreBoundedByTheUsersShare) {
  std::atomic<Fate> fate = Fate::commit;
  store::ScriptedStore store([&] { return fate.load(); });
  Delivery delivery(store, 300'000);
  const auto session = delivery.new_session("a"), other = delivery.new_session("b");
  ASSERT_TRUE(delivery.add_with_id(session, session, "first"));
  ASSERT_TRUE(delivery.add_with_id(other, other, "first"));
  ASSERT_EQ(delivery.drain(), 0u);
  fate = Fate::fail;
  ASSERT_TRUE(delivery.add(session, {"x"}));
  while (!delivery.workers().breaker().open()) (void)delivery.drain(std::chrono::seconds(0));
  const auto update = [&](const std::string& of, const std::string& content) {
    return delivery.run(delivery.service().update_messages(of, {{of, Role::user, content, ""}}));
  };
  const std::string large(1000, 'x');
  int taken = 0;
  auto last = update(session, large);
  for (; last && taken < 1000; ++taken) last = update(session, large);
  ASSERT_FALSE(last);
  EXPECT_EQ(last.error().kind, engine::FailureKind::over_quota);
  EXPECT_FALSE(delivery.erase(session, session));
  EXPECT_TRUE(update(other, "others have room"));
  fate = Fate::commit;
  ASSERT_EQ(delivery.drain(), 0u);
  EXPECT_EQ(contents_of(store, session)[0], large);
  EXPECT_TRUE(update(session, "there is room again"));
  ASSERT_EQ(delivery.drain(), 0u);
  EXPECT_TRUE(delivery.run(delivery.service().largest_users(10)).empty());
}

TEST(Delivered, MetadataTakesRoomLikeContent) {
  store::ScriptedStore store([] { return Fate::fail; });
  Delivery delivery(store, 300'000);
  const auto session = delivery.new_session("a");
  ASSERT_TRUE(delivery.add(session, {"first"}));
  while (!delivery.workers().breaker().open()) (void)delivery.drain(std::chrono::seconds(0));
  for (int i = 0; i < 100; ++i) {
    ingest::AddRequest request;
    request.session_id = session;
    request.messages.resize(1);
    request.messages[0].content = "x";
    request.messages[0].metadata = R"({"metadata":{"a":")" + std::string(10'000, 'x') + R"("}})";
    ASSERT_TRUE(delivery.run(delivery.service().add_messages(std::move(request))));
  }
  EXPECT_GE(delivery.probes().shards[0]->backlog_messages.value(), 70u);
}

}  // namespace
}  // namespace holdfast
