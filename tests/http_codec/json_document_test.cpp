// Documents say what nlohmann says.
#include "http/codec/json_document.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace holdfast::http::codec {
namespace {

std::string nested(int depth, const std::string& innermost = "") {
  return std::string(static_cast<std::size_t>(depth), '[') + innermost +
         std::string(static_cast<std::size_t>(depth), ']');
}

std::string nested_objects(int depth) {
  std::string text = "1";
  for (int i = 0; i < depth; ++i) text = "{\"a\":" + text + "}";
  return text;
}

std::vector<std::string> texts() {
  using namespace std::string_literals;
  return {R"({"a":1,"b":[true,false,null,-1,0,-0,1.0,1e3,1E-400,0.1]})",
          R"({"a":{"b":{}},"c":[],"d":""})",
          R"({"a":1,"a":2})",
          R"({"a":18446744073709551615,"b":9223372036854775808,"c":-9223372036854775808})",
          R"({"a":18446744073709551616,"b":123456789012345678901234567890})",
          R"({"a":1e400})",
          R"({"a":01})",
          R"({"a":+1})",
          R"({"a":.5})",
          R"({"a":1.})",
          R"({"a":NaN})",
          R"({"a":"é漢😀 \u00e9 \ud83d\ude00 \n\t\"\\\/\b\f\r"})",
          R"({"a":"\ud83d"})",
          R"({"a":"\ude00"})",
          R"({"a":"\ude00\ud83d"})",
          R"({"a":"\uDE00"})",
          R"({"a":"\ud83dx"})",
          R"({"a":"\\ud83d"})",
          R"({"a":"\x41"})",
          R"({"a":"\u12"})",
          R"({"a" 1})",
          R"({"a":1,})",
          R"({"a":1}{)",
          R"({"a":1} )",
          "\xEF\xBB\xBF{}",
          "{\"a\":\"\xC0\xAF\"}",
          "{\"a\":\"\xED\xA0\x80\"}",
          "{\"a\":\"\xF4\x90\x80\x80\"}",
          "{\"a\":\"\x01\"}",
          "{\"a\":\"\x7F\"}",
          "{\"a\":\"\\u0000\"}",
          "{}\0"s,
          "{\"a\":\"\0\"}"s,
          "",
          " ",
          "null",
          "\"text\"",
          "1",
          "[1,2]",
          "{",
          "\"",
          nested(kMaxDepth),
          nested(kMaxDepth + 1),
          nested(kMaxDepth, "1"),
          nested(kMaxDepth + 1, "1"),
          nested(5000),
          nested_objects(kMaxDepth),
          nested_objects(kMaxDepth + 1),
          "[" + std::string(200'000, ' ') + "1]"};
}

void expect_the_same(const std::string& text) {
  const JsonDocument read(text);
  const auto expected = parse_json_slowly(text);
  EXPECT_EQ(read.too_deep(), expected.too_deep);
  ASSERT_EQ(read.ok(), !expected.root.is_discarded() && text.find('\0') == std::string::npos);
  if (read.ok()) {
    EXPECT_EQ(to_json(read.root()).dump(), expected.root.dump());
  }
}

TEST(JsonDocument, IsReadAsNlohmannReadsIt) {
  for (const auto& text : texts()) {
    SCOPED_TRACE(text.substr(0, 60));
    expect_the_same(text);
  }
}

TEST(JsonDocument, SoIsAnyDamagedText) {
  std::mt19937 random(7);
  const std::string pieces = "\"\\{}[],:ud8dEf0019-+.e tn\x01\x7F\x80\xC3\xED\xA0\xF4\xBF";
  for (const auto& text : texts()) {
    if (text.size() > 200) continue;
    for (int i = 0; i < 2000; ++i) {
      auto damaged = text;
      for (auto left = 1 + random() % 4; left > 0; --left) {
        const auto at = random() % (damaged.size() + 1);
        if (random() % 3 == 0 && at < damaged.size()) {
          damaged.erase(at, 1 + random() % 3);
        } else {
          damaged.insert(at, 1, pieces[random() % pieces.size()]);
        }
      }
      SCOPED_TRACE(damaged);
      expect_the_same(damaged);
      if (HasFailure()) return;
    }
  }
}

TEST(JsonDocument, OfEqualKeysTheLastCounts) {
  const JsonDocument read(R"({"a":1,"b":2,"a":3})");
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(std::int64_t(*find_member(read.root(), "a")), 3);
  EXPECT_FALSE(find_member(read.root(), "c"));
}

TEST(JsonDocument, ALongOneWithANumberBeyond64BitsIsRead) {
  const std::string text(200'000, 'x');
  const JsonDocument read("[18446744073709551616,\"" + text + "\"]");
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(double(read.root().at(0)), 18446744073709551616.0);
  EXPECT_EQ(std::string_view(read.root().at(1)), text);
}

TEST(JsonDocument, ALongOneIsReadBesideAShortOne) {
  const JsonDocument longer("[\"" + std::string(200'000, 'x') + "\"]");
  const JsonDocument shorter(R"(["y"])");
  ASSERT_TRUE(longer.ok() && shorter.ok());
  EXPECT_EQ(std::string_view(longer.root().at(0)), std::string(200'000, 'x'));
  EXPECT_EQ(std::string_view(shorter.root().at(0)), "y");
}

}  // namespace
}  // namespace holdfast::http::codec
