// Dead letters follow what is done to their message, and nothing else.
#include <gtest/gtest.h>

#include <future>

#include "delivery.hpp"

namespace holdfast {
namespace {

using store::Fate;

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

// The journal holds the update still, and the store takes it by now.
TEST(DeadLetters, OfAnUpdateAreDeletedForGood) {
  std::atomic<bool> refuse = true;
  store::ScriptedStore store(
      [] { return Fate::commit; },
      [&](const std::string& content) { return refuse && content.starts_with("poison"); });
  Delivery delivery(store);
  const auto session = delivery.new_session("a");
  ASSERT_TRUE(delivery.add_with_id(session, "m", "good"));
  ASSERT_EQ(delivery.drain(), 0u);
  ASSERT_TRUE(delivery.run(delivery.service().update_messages(session, {{"m", Role::user, "poison", ""}})));
  ASSERT_EQ(delivery.drain(), 0u);
  ASSERT_EQ(delivery.letters().count(), 1u);
  EXPECT_TRUE(delivery.run(delivery.service().erase_dead_letter(delivery.letters().list(1)[0].id)));
  ASSERT_EQ(delivery.drain(), 0u);
  refuse = false;
  delivery.restart();
  ASSERT_EQ(delivery.drain(), 0u);
  EXPECT_EQ(contents_of(store, session), std::vector<std::string>{"good"});
  EXPECT_EQ(delivery.letters().count(), 0u);
}

TEST(DeadLetters, AreDeletedWithTheirSessionAndUser) {
  store::ScriptedStore store([] { return Fate::commit; },
                             [](const std::string& content) { return content.starts_with("poison"); });
  Delivery delivery(store);
  std::vector<std::string> sessions;
  for (const auto* user : {"a", "a", "b"}) {
    delivery.add_user(user);
    sessions.push_back(delivery.new_session(user));
    ASSERT_TRUE(delivery.add(sessions.back(), {"poison"}));
  }
  ASSERT_EQ(delivery.drain(), 0u);
  ASSERT_EQ(delivery.letters().count(), 3u);
  EXPECT_TRUE(delivery.run(delivery.service().erase_session(sessions[0])));
  EXPECT_EQ(delivery.letters().count(), 2u);
  EXPECT_TRUE(delivery.run(delivery.service().erase_user("a")));
  (void)delivery.run(delivery.service().erase_user(sessions[2]));  // no user
  (void)delivery.run(delivery.service().erase_session("b"));       // no session
  ASSERT_EQ(delivery.letters().count(), 1u);
  EXPECT_EQ(delivery.letters().list(1)[0].user_id, "b");
}

}  // namespace
}  // namespace holdfast
