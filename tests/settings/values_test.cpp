#include "settings/values.hpp"

#include <gtest/gtest.h>

namespace holdfast::settings {
namespace {

using std::chrono::milliseconds;

TEST(Values, Durations) {
  EXPECT_EQ(parse_duration("250ms"), milliseconds(250));
  EXPECT_EQ(parse_duration("5s"), milliseconds(5'000));
  EXPECT_EQ(parse_duration("1.5m"), milliseconds(90'000));
  EXPECT_EQ(parse_duration("24h"), milliseconds(86'400'000));
  EXPECT_EQ(parse_duration("60"), milliseconds(60'000));
  EXPECT_EQ(parse_duration("0.25"), milliseconds(250));
  for (const auto* text : {"", "s", "5 s", "-1s", "5d", "1e3", "nan", "5S"})
    EXPECT_FALSE(parse_duration(text)) << text;
}

TEST(Values, Sizes) {
  EXPECT_EQ(parse_size("64MiB"), 64u << 20);
  EXPECT_EQ(parse_size("100MB"), 100'000'000u);
  EXPECT_EQ(parse_size("8GiB"), 8ull << 30);
  EXPECT_EQ(parse_size("4096"), 4096u);
  for (const auto* text : {"", "MiB", "64 MiB", "-1", "64mib", "1TB"}) EXPECT_FALSE(parse_size(text)) << text;
}

TEST(Values, Endpoints) {
  const auto full = parse_endpoint("https://example.org:8443/some/v1/");
  ASSERT_TRUE(full);
  EXPECT_TRUE(full->tls);
  EXPECT_EQ(full->host, "example.org");
  EXPECT_EQ(full->port, 8443);
  EXPECT_EQ(full->path, "/some/v1");
  EXPECT_EQ(parse_endpoint("https://example.org")->port, 443);
  EXPECT_EQ(parse_endpoint("http://localhost")->port, 80);
  EXPECT_EQ(parse_endpoint("http://localhost/")->path, "");
  EXPECT_EQ(parse_endpoint("http://[::1]:11434/v1")->host, "::1");
  EXPECT_EQ(parse_endpoint("http://[::1]:11434/v1")->port, 11434);
  for (const auto* url :
       {"", "localhost:80", "ftp://a", "http://", "http://:80", "http://a:0", "http://a:65536", "http://a:x",
        "http://a:", "http://[::1", "http://[]", "http://user:secret@a/", "http://a/?q", "http://a/#f",
        "http://a b", "http://a\r\nX: y"}) {
    EXPECT_FALSE(parse_endpoint(url)) << url;
  }
}

TEST(Values, NumbersAndBooleans) {
  EXPECT_EQ(parse_integer("42"), 42);
  EXPECT_EQ(parse_integer("-3"), -3);
  EXPECT_FALSE(parse_integer("4.2"));
  EXPECT_FALSE(parse_integer("4x"));
  EXPECT_EQ(parse_decimal("0.5"), 0.5);
  EXPECT_FALSE(parse_decimal("inf"));
  EXPECT_EQ(parse_boolean("true"), true);
  EXPECT_FALSE(parse_boolean("yes"));
}

}  // namespace
}  // namespace holdfast::settings
