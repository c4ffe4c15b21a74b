#include "holdfast/http/codec/url.hpp"

#include <gtest/gtest.h>

namespace holdfast::http::codec {
namespace {

TEST(Target, IsSplitAndDecoded) {
  const auto target = parse_target("/api/v1/users/?name=A%20b+c&x=&flag");
  ASSERT_TRUE(target);
  EXPECT_EQ(target->path, "/api/v1/users");
  EXPECT_EQ(*find_parameter(target->parameters, "name"), "A b c");
  EXPECT_EQ(*find_parameter(target->parameters, "x"), "");
  EXPECT_EQ(*find_parameter(target->parameters, "flag"), "");
  EXPECT_EQ(find_parameter(target->parameters, "y"), nullptr);
  EXPECT_EQ(parse_target("/a+b")->path, "/a+b");
  EXPECT_EQ(parse_target("/")->path, "/");
}

TEST(Target, RefusesWhatIsNoUrl) {
  for (const auto* target : {"", "api", "*", "/%", "/%4", "/%zz", "/%00", "/\x80", "/a b", "/?q=%0a"}) {
    EXPECT_FALSE(parse_target(target)) << target;
  }
}

TEST(MessageListing, FollowsTheLimitRules) {
  const auto limit = [](std::string text) { return parse_message_listing({{"limit", std::move(text)}}); };
  EXPECT_EQ(parse_message_listing({})->limit, 20u);
  EXPECT_EQ(limit("1")->limit, 1u);
  EXPECT_EQ(limit("100")->limit, 100u);
  EXPECT_EQ(limit("101")->limit, 100u);
  EXPECT_EQ(limit("99999999999999999999")->limit, 100u);
  for (const auto* bad : {"0", "-1", "", "x", "1x", "1.5", "-99999999999999999999"}) {
    ASSERT_FALSE(limit(bad)) << bad;
    EXPECT_EQ(limit(bad).error().field, "limit");
  }
}

TEST(Window, IsATimeUpToThirtyDays) {
  const auto window = [](const char* text) { return parse_window({{"window", text}}); };
  EXPECT_EQ(*parse_window({}), std::nullopt);
  EXPECT_EQ(*window("1"), std::chrono::seconds(1));
  EXPECT_EQ(*window("90s"), std::chrono::seconds(90));
  EXPECT_EQ(*window("5m"), std::chrono::minutes(5));
  EXPECT_EQ(*window("1h"), std::chrono::hours(1));
  EXPECT_EQ(*window("30d"), std::chrono::hours(720));
  for (const auto* bad : {"", "s", "0", "-5m", "1.5h", "31d", "721h", "1w", "1 h", "9223372036854775807d"}) {
    ASSERT_FALSE(window(bad)) << bad;
    EXPECT_EQ(window(bad).error().field, "window");
  }
}

TEST(MessageListing, TakesTheOthers) {
  const auto listing = parse_message_listing(
      {{"sort_by", "id"}, {"order", "asc"}, {"buffer_only", "True"}, {"include", "metadata"}});
  ASSERT_TRUE(listing);
  EXPECT_EQ(listing->sort_by, store::SortBy::id);
  EXPECT_EQ(listing->order, store::Order::ascending);
  EXPECT_TRUE(listing->buffer_only);
  EXPECT_TRUE(listing->include_metadata);
  EXPECT_EQ(parse_message_listing({{"sort_by", "size"}}).error().field, "sort_by");
  EXPECT_EQ(parse_message_listing({{"order", "up"}}).error().field, "order");
  EXPECT_EQ(parse_message_listing({{"buffer_only", "maybe"}}).error().field, "buffer_only");
}

TEST(Count, IsAWholeNumberWithinItsBounds) {
  const auto top = [](std::string text) { return parse_count({{"top", std::move(text)}}, "top", 10, 100); };
  EXPECT_EQ(*parse_count({}, "top", 10, 100), 10u);
  EXPECT_EQ(*top("1"), 1u);
  EXPECT_EQ(*top("100"), 100u);
  for (const auto* bad : {"0", "101", "-1", "", "x", "1x", "1.5", "99999999999999999999"}) {
    ASSERT_FALSE(top(bad)) << bad;
    EXPECT_EQ(top(bad).error().field, "top");
    EXPECT_EQ(top(bad).error().message, "top must be a whole number from 1 to 100");
  }
}

}  // namespace
}  // namespace holdfast::http::codec
