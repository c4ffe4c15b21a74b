#include <gtest/gtest.h>

#include "delivery.hpp"

namespace holdfast {
namespace {

using store::Fate;

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
