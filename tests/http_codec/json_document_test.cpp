// The fast way to read JSON says what nlohmann says.
#include "http/codec/json_document.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace holdfast::http::codec {
namespace {

std::string nested(int depth) {
  return std::string(static_cast<std::size_t>(depth), '[') +
         std::string(static_cast<std::size_t>(depth), ']');
}

TEST(JsonDocument, IsReadAsNlohmannReadsIt) {
  using namespace std::string_literals;
  const std::vector<std::string> texts{
      R"({"a":1,"b":[true,false,null,-1,0,-0,1.0,1e3,1E-400,0.1]})",
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
      nested(5000),
      "[" + std::string(200'000, ' ') + "1]"};
  for (const auto& text : texts) {
    SCOPED_TRACE(text.substr(0, 60));
    const auto read = parse_json(text), expected = parse_json_slowly(text);
    EXPECT_EQ(read.too_deep, expected.too_deep);
    ASSERT_EQ(read.root.is_discarded(), expected.root.is_discarded() || text.find('\0') != std::string::npos);
    if (read.root.is_discarded()) continue;
    EXPECT_EQ(read.root.dump(), expected.root.dump());
  }
}

}  // namespace
}  // namespace holdfast::http::codec
