#include "holdfast/engine/idempotency_keys.hpp"

#include <gtest/gtest.h>

#include <string>
#include <thread>

#include "delivery.hpp"

namespace holdfast::engine {
namespace {

using std::chrono::minutes;

class IdempotencyKeysTest : public ::testing::Test {
 protected:
  void answer(const std::string& user, const std::string& key, std::size_t ids = 1) {
    keys_.begin(user, key, 7);
    AddAnswer answer;
    answer.message_ids.assign(ids, std::string(36, 'i'));
    keys_.complete(user, key, std::move(answer), now_);
  }
  bool knows(const std::string& user, const std::string& key) {
    return keys_.find(user, key, now_) != nullptr;
  }

  metrics::ShardProbe probe_;
  IdempotencyKeys keys_{{minutes(10), 1u << 20}, probe_};
  SteadyTime now_{std::chrono::hours(1)};
};

TEST_F(IdempotencyKeysTest, AnAnswerIsFoundAsARepeatUntilTheWindowHasPassed) {
  answer("ann", "k");
  const auto* entry = keys_.find("ann", "k", now_);
  ASSERT_TRUE(entry && entry->answer);
  EXPECT_EQ(entry->request_hash, 7);
  EXPECT_TRUE(entry->answer->replayed);
  EXPECT_EQ(keys_.find("bob", "k", now_), nullptr);
  now_ += minutes(10) - std::chrono::milliseconds(1);
  EXPECT_TRUE(knows("ann", "k"));
  now_ += std::chrono::milliseconds(1);
  EXPECT_FALSE(knows("ann", "k"));
  keys_.forget_expired(now_);
  EXPECT_EQ(probe_.idempotency_bytes.value(), 0);
}

TEST_F(IdempotencyKeysTest, AKeyThatIsOverCanBeUsedAgainBeforeItHasLeftMemory) {
  answer("ann", "k", 1);
  now_ += minutes(10);
  answer("ann", "k", 2);
  ASSERT_TRUE(knows("ann", "k"));
  EXPECT_EQ(keys_.find("ann", "k", now_)->answer->message_ids.size(), 2);
  now_ += minutes(10);
  keys_.forget_expired(now_);
  EXPECT_EQ(probe_.idempotency_bytes.value(), 0);
}

TEST_F(IdempotencyKeysTest, WhatIsOverIsNotCountedAsForgottenEarly) {
  keys_.reconfigure({minutes(10), 64u << 20}, now_);
  for (int i = 0; i < 10; ++i) answer("others" + std::to_string(i), "k");
  for (std::size_t i = 0; i < IdempotencyKeys::kKeysOfUser; ++i) answer("ann", std::to_string(i));
  now_ += minutes(10);
  answer("ann", "one more");
  EXPECT_EQ(probe_.idempotency_forgotten.value(), 0);
  for (std::size_t i = 0; i < IdempotencyKeys::kKeysOfUser; ++i) answer("ann", "again" + std::to_string(i));
  EXPECT_EQ(probe_.idempotency_forgotten.value(), 1);
}

TEST_F(IdempotencyKeysTest, WhatIsOverLeavesMemoryInSteps) {
  keys_.reconfigure({minutes(10), 64u << 20}, now_);
  for (std::size_t i = 0; i <= IdempotencyKeys::kForgottenAtOnce; ++i) {
    answer("user" + std::to_string(i), "k");
  }
  now_ += minutes(10);
  EXPECT_TRUE(keys_.forget_expired(now_));
  EXPECT_GT(probe_.idempotency_bytes.value(), 0);
  EXPECT_FALSE(keys_.forget_expired(now_));
  EXPECT_EQ(probe_.idempotency_bytes.value(), 0);
}

TEST_F(IdempotencyKeysTest, WhatIsBeingWrittenIsKnownWithoutAnAnswerAndNeverExpires) {
  keys_.begin("ann", "k", 7);
  now_ += minutes(60);
  ASSERT_TRUE(knows("ann", "k"));
  EXPECT_FALSE(keys_.find("ann", "k", now_)->answer);
  keys_.abandon("ann", "k");
  EXPECT_FALSE(knows("ann", "k"));
}

TEST_F(IdempotencyKeysTest, AUserHasItsLastThousand) {
  keys_.reconfigure({minutes(10), 8u << 20}, now_);
  for (std::size_t i = 0; i <= IdempotencyKeys::kKeysOfUser; ++i) answer("ann", "k" + std::to_string(i), 0);
  EXPECT_FALSE(knows("ann", "k0"));
  EXPECT_TRUE(knows("ann", "k1"));
  EXPECT_EQ(probe_.idempotency_forgotten.value(), 1);
}

TEST_F(IdempotencyKeysTest, LessMemoryAfterAReloadIsKeptToAtOnce) {
  for (int i = 0; i < 400; ++i) answer("user" + std::to_string(i), "k");
  ASSERT_GT(probe_.idempotency_bytes.value(), 100'000);
  keys_.reconfigure({minutes(10), 100'000}, now_);
  EXPECT_LE(probe_.idempotency_bytes.value(), 100'000);
  EXPECT_FALSE(knows("user0", "k"));
  EXPECT_TRUE(knows("user399", "k"));
}

TEST_F(IdempotencyKeysTest, ASecondAnswerToAKeyChangesNothing) {
  answer("ann", "k", 1);
  AddAnswer second;
  second.message_ids.assign(2, "i");
  keys_.complete("ann", "k", second, now_);
  EXPECT_EQ(keys_.find("ann", "k", now_)->answer->message_ids.size(), 1);
  now_ += minutes(10);
  EXPECT_FALSE(knows("ann", "k"));
}

TEST_F(IdempotencyKeysTest, LargeAnswersOfOneUserTakeAQuarterOfTheMemoryAndPushNobodyOut) {
  answer("bob", "his");
  for (int i = 0; i < 100; ++i) answer("ann", "k" + std::to_string(i), 1000);
  EXPECT_TRUE(knows("bob", "his"));
  EXPECT_TRUE(knows("ann", "k99"));
  EXPECT_FALSE(knows("ann", "k0"));
  EXPECT_GT(probe_.idempotency_bytes.value(), 0);
  EXPECT_LE(probe_.idempotency_bytes.value(), (1u << 20) / 4 + 1024);
}

TEST_F(IdempotencyKeysTest, ManyUsersTogetherStayWithinTheMemoryAndTheOldestGo) {
  for (int i = 0; i < 100'000; ++i) answer("user" + std::to_string(i), "k");
  EXPECT_LE(probe_.idempotency_bytes.value(), 1u << 20);
  EXPECT_GT(probe_.idempotency_bytes.value(), (1u << 20) / 2);
  EXPECT_FALSE(knows("user0", "k"));
  EXPECT_TRUE(knows("user99999", "k"));
}

// The journal may hold a key twice: forgotten here for want of memory, and used again.
TEST_F(IdempotencyKeysTest, AKeyReadTwiceHasTheLaterAnswerAndTheLaterTime) {
  answer("ann", "k", 1);
  answer("ann", "other", 1);
  now_ += minutes(9);
  answer("ann", "k", 2);
  EXPECT_EQ(keys_.find("ann", "k", now_)->answer->message_ids.size(), 2);
  now_ += minutes(9);
  EXPECT_FALSE(knows("ann", "other"));
  EXPECT_TRUE(knows("ann", "k"));
  now_ += minutes(1);
  EXPECT_FALSE(knows("ann", "k"));
  keys_.forget_expired(now_);
  EXPECT_EQ(probe_.idempotency_bytes.value(), 0);
}

TEST_F(IdempotencyKeysTest, ADeletedUsersKeysAreForgotten) {
  answer("ann", "k");
  answer("bob", "k");
  keys_.begin("ann", "underway", 7);
  keys_.forget_user("ann");
  keys_.complete("ann", "underway", {}, now_);
  keys_.abandon("ann", "underway");
  EXPECT_FALSE(knows("ann", "k"));
  EXPECT_FALSE(knows("ann", "underway"));
  EXPECT_TRUE(knows("bob", "k"));
}

// Whether a key that was used so long ago is known after a restart.
bool known_after_restart(std::chrono::milliseconds used_ago, std::chrono::milliseconds window) {
  store::ScriptedStore store([] { return store::Fate::commit; });
  auto options = Delivery::options(64u << 20, 1u << 30);
  options.idempotency_window = window;
  RunningEngine engine(options, store);
  engine.add_user("ann");
  engine.add_agent("a");
  ingest::AddRequest request;
  request.session_id = engine.add_session("ann", "a");
  request.messages.resize(1);
  request.messages[0].content = "x";
  request.idempotency_key = "k";
  EXPECT_TRUE(engine.run(engine.service().add_messages(request)));
  const auto used = std::chrono::steady_clock::now();
  while (std::chrono::steady_clock::now() - used < used_ago) std::this_thread::yield();
  engine.restart();
  const auto find = [](UserShard& shard) -> boost::asio::awaitable<bool> {
    const auto now = shard.parts.clock.steady_now();
    co_return shard.idempotency.find("ann", "k", now) != nullptr;
  };
  return engine.run(find(engine.shard()));
}

TEST(IdempotencyKeysReplay, AKeyIsAsOldAfterARestartAsItWas) {
  EXPECT_TRUE(known_after_restart(std::chrono::milliseconds(2), minutes(10)));
  EXPECT_FALSE(known_after_restart(std::chrono::milliseconds(2), std::chrono::milliseconds(1)));
}

}  // namespace
}  // namespace holdfast::engine
