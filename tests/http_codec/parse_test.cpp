// Request bodies: what is accepted, and the 422 answer for what is not.
#include "holdfast/http/codec/parse.hpp"

#include <gtest/gtest.h>

#include <random>

#include "holdfast/http/codec/render.hpp"

namespace holdfast::http::codec {
namespace {

const Limits kLimits;

template <class T>
std::string errors_of(const Parsed<T>& parsed) {
  return parsed ? "(accepted)" : render_body_errors(parsed.error());
}

TEST(ParseBody, TakesWhatTheClientSends) {
  const auto query = parse_query(
      R"({"query":"q","session_id":null,"agent_id":null,"top_k":7,"store_type":null,"include_messages":false,"metadata":{"task":"x"}})",
      "u");
  ASSERT_TRUE(query);
  EXPECT_EQ(query->user_id, "u");
  EXPECT_EQ(query->top_k, 7);
  EXPECT_FALSE(query->session_id);
  EXPECT_FALSE(query->include_messages);
  EXPECT_TRUE(query->include_knowledge);
  const auto messages = parse_add_messages(
      R"({"messages":[{"role":"user","content":"hi","extra":1,"name":"Al","metadata":{"a":1}},{"role":"system","content":"x","id":"m1"}]})",
      kLimits);
  ASSERT_TRUE(messages);
  EXPECT_EQ(messages->at(0).metadata, R"({"metadata":{"a":1},"name":"Al"})");
  EXPECT_EQ(messages->at(1).id, "m1");
  EXPECT_EQ(messages->at(1).metadata, "");
}

TEST(ParseBody, NamesEveryErrorInFastApisWords) {
  EXPECT_EQ(errors_of(parse_create_named("{}")),
            R"({"detail":[{"loc":["body","name"],"msg":"Field required","type":"missing"}]})");
  EXPECT_EQ(
      errors_of(parse_create_named(R"({"name":""})")),
      R"({"detail":[{"loc":["body","name"],"msg":"String should have at least 1 character","type":"string_too_short"}]})");
  EXPECT_EQ(
      errors_of(parse_create_named("[]")),
      R"({"detail":[{"loc":["body"],"msg":"Input should be a valid dictionary or object to extract fields from","type":"model_attributes_type"}]})");
  EXPECT_EQ(errors_of(parse_create_named("")),
            R"({"detail":[{"loc":["body"],"msg":"Field required","type":"missing"}]})");
  EXPECT_GT(parse_query(R"({"query":"a","top_k":12345678901234567890123})", "u")->top_k, 1'000'000'000);
  EXPECT_EQ(errors_of(parse_create_named("{")),
            R"({"detail":[{"loc":["body"],"msg":"JSON decode error","type":"json_invalid"}]})");
  EXPECT_EQ(
      errors_of(parse_add_messages(R"({"messages":[]})", kLimits)),
      R"({"detail":[{"loc":["body","messages"],"msg":"List should have at least 1 item after validation, not 0","type":"too_short"}]})");
  EXPECT_EQ(
      errors_of(parse_add_messages(R"({"messages":[{"role":"robot"}]})", kLimits)),
      R"({"detail":[{"loc":["body","messages",0,"role"],"msg":"Input should be 'user', 'assistant' or 'system'","type":"literal_error"},)"
      R"({"loc":["body","messages",0,"content"],"msg":"Field required","type":"missing"}]})");
  EXPECT_EQ(
      errors_of(parse_query(R"({"query":3,"top_k":"x"})", "u")),
      R"({"detail":[{"loc":["body","query"],"msg":"Input should be a valid string","type":"string_type"},)"
      R"({"loc":["body","top_k"],"msg":"Input should be a valid integer","type":"int_type"}]})");
}

TEST(ParseBody, BoundsDepthAndSizes) {
  std::string deep = R"({"name":"x","d":)";
  for (int i = 0; i < 40; ++i) deep += '[';
  for (int i = 0; i < 40; ++i) deep += ']';
  EXPECT_NE(errors_of(parse_create_named(deep + "}")).find("nested"), std::string::npos);
  Limits small;
  small.message_bytes = 10;
  small.batch_messages = 1;
  const auto large = parse_add_messages(R"({"messages":[{"role":"user","content":"12345678901"}]})", small);
  ASSERT_FALSE(large);
  EXPECT_FALSE(large.error().too_large.empty());
  const auto many = parse_add_messages(
      R"({"messages":[{"role":"user","content":"1"},{"role":"user","content":"2"}]})", small);
  ASSERT_FALSE(many);
  EXPECT_FALSE(many.error().too_large.empty());
  const std::string line = R"({"session_id":"s","role":"user","content":"1"})";
  small.body_bytes = line.size();
  EXPECT_TRUE(parse_batch_line(line, small));
  const auto long_line = parse_batch_line(line + " ", small);
  ASSERT_FALSE(long_line);
  EXPECT_FALSE(long_line.error().too_large.empty());
}

TEST(ParseBody, TellsABoundedNumberOfErrors) {
  std::string body = R"({"message_ids":[1)";
  for (int i = 0; i < 10'000; ++i) body += ",1";
  EXPECT_EQ(parse_ids(body + "]}", "message_ids").error().errors.size(), 100u);
}

TEST(ParseBody, RefusesBrokenUnicodeAndIds) {
  EXPECT_FALSE(parse_create_named("{\"name\":\"\xC3\"}"));
  EXPECT_FALSE(parse_create_named(R"({"name":"\ud800"})"));
  EXPECT_FALSE(
      parse_add_messages(R"({"messages":[{"role":"user","content":"x","id":"a\u0000b"}]})", kLimits));
  EXPECT_FALSE(parse_add_messages(R"({"messages":[{"role":"user","content":"x","created_at":"yesterday"}]})",
                                  kLimits));
  EXPECT_FALSE(parse_add_messages(R"({"messages":[{"role":"user","content":"x","metadata":[]}]})", kLimits));
}

TEST(ParseBody, AnyBytesAreParsedOrRefused) {
  const std::string valid =
      R"({"messages":[{"role":"user","content":"héllo \"x\"","id":"m","metadata":{"a":[1,2.5e3,null]}}]})";
  std::mt19937 random(9);
  for (int i = 0; i < 20'000; ++i) {
    auto mutated = valid;
    for (auto edits = 1 + random() % 4; edits > 0; --edits) {
      const auto at = random() % mutated.size();
      switch (random() % 3) {
        case 0:
          mutated[at] = static_cast<char>(random());
          break;
        case 1:
          mutated.erase(at, 1 + random() % 5);
          break;
        default:
          mutated.insert(at, mutated.substr(random() % mutated.size(), random() % 8));
      }
      if (mutated.empty()) mutated = "{";
    }
    const auto parsed = parse_add_messages(mutated, kLimits);
    if (parsed) {
      for (const auto& message : *parsed) EXPECT_FALSE(message.content.empty());
    }
  }
}

}  // namespace
}  // namespace holdfast::http::codec
