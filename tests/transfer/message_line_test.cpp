#include "holdfast/transfer/message_line.hpp"

#include <gtest/gtest.h>

namespace holdfast::transfer {
namespace {

constexpr std::size_t kMost = 1000;

std::string problem_of(std::string_view line, std::size_t most = kMost) {
  const auto parsed = parse_message_line(line, most);
  return parsed ? "" : parsed.error().message;
}

std::string line_with(const std::string& field, const std::string& value) {
  std::string line = R"({"user":"u","agent":"a","session":"s","role":"user","content":"c")";
  return line + ",\"" + field + "\":" + value + "}";
}

TEST(MessageLine, WhatIsMissingStaysOpen) {
  const auto parsed = parse_message_line(line_with("other", "1"), kMost);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->named.user, "u");
  EXPECT_EQ(parsed->named.agent, "a");
  EXPECT_EQ(parsed->named.session, "s");
  EXPECT_EQ(parsed->named.message.content, "c");
  EXPECT_FALSE(parsed->has_id);
  EXPECT_FALSE(parsed->has_created_at);
  EXPECT_EQ(parsed->named.message.metadata, "");
}

TEST(MessageLine, EachMistakeIsNamed) {
  EXPECT_EQ(problem_of("{"), "it is not valid JSON");
  EXPECT_EQ(problem_of(std::string_view("{}\0", 3)), "it is not valid JSON");
  EXPECT_EQ(problem_of("[1]"), "it is no JSON object");
  EXPECT_EQ(problem_of("{}"), "user is missing or empty");
  EXPECT_EQ(problem_of(R"({"user":"u","agent":"a","session":null})"), "session is missing or empty");
  EXPECT_EQ(problem_of(line_with("user", "7")), "user is no text");
  EXPECT_EQ(problem_of(line_with("user", '"' + std::string(1025, 'u') + '"'), 5000),
            "user is longer than a name may be");
  EXPECT_EQ(problem_of(line_with("role", "\"boss\"")),
            "role is not one of user, assistant, system, tool, developer");
  EXPECT_EQ(problem_of(line_with("content", "\"\"")), "content is missing or empty");
  EXPECT_EQ(problem_of(line_with("content", "\"\xFF\"")), "it is not valid JSON");
  EXPECT_EQ(problem_of(line_with("id", "\"\\n\"")), "id is not 1 to 256 bytes without control characters");
  EXPECT_EQ(problem_of(line_with("created_at", "\"soon\"")), "created_at is no date-time");
  EXPECT_EQ(problem_of(line_with("metadata", "[]")), "metadata is no object");
  EXPECT_EQ(problem_of(line_with("content", "\"12345\""), 4), "the message is larger than 4 bytes");
  EXPECT_EQ(problem_of(line_with("metadata", std::string(40, '[') + std::string(40, ']'))),
            "it is nested more than 32 deep");
}

TEST(MessageLine, WhatIsWrittenReadsAsTheSame) {
  store::NamedMessage named{"ünï \"quoted\"", "a\\b", "s\nt", {}};
  auto& message = named.message;
  message.id = "id-1";
  message.role = Role::tool;
  message.content = "line\nbreak \x01 \xF0\x9F\x98\x80";
  message.created_at = Timestamp{std::chrono::microseconds{1'700'000'000'123'456}};
  message.updated_at = message.created_at + std::chrono::microseconds{1};
  message.metadata = R"({"metadata":{"a":[1,2.5,null]},"name":"n","tool_call_id":"t","tool_calls":[{}]})";
  std::string line;
  append_message_line(line, named);
  ASSERT_EQ(line.find('\n'), line.size() - 1);
  const auto parsed = parse_message_line(line, kMost);
  ASSERT_TRUE(parsed) << parsed.error().message;
  const auto& read = parsed->named;
  EXPECT_EQ(read.user, named.user);
  EXPECT_EQ(read.agent, named.agent);
  EXPECT_EQ(read.session, named.session);
  EXPECT_EQ(read.message.id, message.id);
  EXPECT_EQ(read.message.role, message.role);
  EXPECT_EQ(read.message.content, message.content);
  EXPECT_EQ(read.message.created_at, message.created_at);
  EXPECT_EQ(read.message.updated_at, message.updated_at);
  EXPECT_EQ(read.message.metadata, message.metadata);
}

}  // namespace
}  // namespace holdfast::transfer
