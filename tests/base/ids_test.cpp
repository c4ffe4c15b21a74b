#include "holdfast/base/ids.hpp"

#include <gtest/gtest.h>

#include <set>

namespace holdfast {
namespace {

TEST(Ids, ASessionIdCarriesTheRouteKeyOfItsUser) {
  for (const auto* user : {"a", "018c1f2e-0000-7000-8000-000000000001", "ünïcode"}) {
    const auto key = route_key(user);
    EXPECT_LT(key, RouteKey{1} << 48);
    EXPECT_EQ(session_route_key(make_session_id(key)), key);
  }
}

TEST(Ids, NoOtherTextIsASessionId) {
  EXPECT_EQ(session_route_key(""), std::nullopt);
  EXPECT_EQ(session_route_key("nope"), std::nullopt);
  EXPECT_EQ(session_route_key(make_uuid_v7(system_clock().now())), std::nullopt);
  auto id = make_session_id(1);
  id[3] = 'G';
  EXPECT_EQ(session_route_key(id), std::nullopt);
}

// The route key is on disk (in session ids): it must never change.
TEST(Ids, TheRouteKeyIsStable) {
  EXPECT_EQ(route_key("alice"), RouteKey{0x4da10dd61a01});
}

// Imports give the same line the same id whenever they come again, with any release.
TEST(Ids, ADerivedIdIsStable) {
  EXPECT_EQ(derive_uuid("a"), "a96faf70-5af1-8834-a6c6-32b61e964e1f");
  EXPECT_NE(derive_uuid("a"), derive_uuid("b"));
  EXPECT_EQ(derive_uuid("").size(), 36u);
}

TEST(Ids, AreUniqueAndOrderedByTime) {
  std::set<std::string> seen;
  for (int i = 0; i < 10'000; ++i) seen.insert(make_uuid_v7(system_clock().now()));
  EXPECT_EQ(seen.size(), 10'000u);
  const Timestamp early{std::chrono::seconds{1'700'000'000}};
  EXPECT_LT(make_uuid_v7(early), make_uuid_v7(early + std::chrono::milliseconds{1}));
}

TEST(Ids, AClientMayChooseAnyPrintableUtf8) {
  EXPECT_TRUE(is_valid_id("msg-1"));
  EXPECT_TRUE(is_valid_id("сообщение"));
  EXPECT_TRUE(is_valid_id(std::string(256, 'x')));
  EXPECT_FALSE(is_valid_id(""));
  EXPECT_FALSE(is_valid_id(std::string(257, 'x')));
  EXPECT_FALSE(is_valid_id(std::string_view("a\0b", 3)));
  EXPECT_FALSE(is_valid_id("a\nb"));
  EXPECT_FALSE(is_valid_id("\xC3"));
  EXPECT_FALSE(is_valid_id("\xED\xA0\x80"));  // a surrogate
}

}  // namespace
}  // namespace holdfast
