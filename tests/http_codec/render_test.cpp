// The bodies we answer, to the byte.
#include "holdfast/http/codec/render.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <random>

namespace holdfast::http::codec {
namespace {

const Timestamp kTime{std::chrono::microseconds{1'700'000'000'123'456}};

TEST(Render, Envelopes) {
  EXPECT_EQ(render_success(201, "Done", "{}"),
            R"({"status":"success","code":201,"data":{},"message":"Done","errors":null})");
  EXPECT_EQ(render_error(404, "No", {}),
            R"({"status":"error","code":404,"data":null,"message":"No","errors":null})");
  const ParameterError error{"limit", "bad"};
  EXPECT_EQ(
      render_error(400, "bad", std::span(&error, 1)),
      R"({"status":"error","code":400,"data":null,"message":"bad","errors":[{"field":"limit","message":"bad"}]})");
}

TEST(Render, Entities) {
  EXPECT_EQ(
      render_named("user", {"1", "Al", "", kTime, kTime}),
      R"({"user":{"id":"1","name":"Al","description":null,"created_at":"2023-11-14T22:13:20.123456Z","updated_at":"2023-11-14T22:13:20.123456Z"}})");
  EXPECT_EQ(render_id("session_id", "s"), R"({"session_id":"s"})");
  const std::vector<std::string> ids{"a", "b"};
  EXPECT_EQ(render_ids("message_ids", ids), R"({"message_ids":["a","b"]})");
  EXPECT_EQ(render_sessions({}), R"({"sessions":[]})");
}

TEST(Render, MessagesWithAndWithoutMetadata) {
  Message message;
  message.id = "m";
  message.session_id = "s";
  message.content = "x";
  message.created_at = message.updated_at = kTime;
  message.metadata = R"({"metadata":{"a":1},"name":"Al"})";
  const std::vector messages{message};
  const std::string plain =
      R"({"messages":[{"id":"m","session_id":"s","role":"user","content":"x","created_at":"2023-11-14T22:13:20.123456Z","updated_at":"2023-11-14T22:13:20.123456Z")";
  EXPECT_EQ(render_messages(messages, false), plain + "}]}");
  EXPECT_EQ(render_messages(messages, true), plain + R"(,"metadata":{"a":1},"name":"Al"}]})");
}

TEST(Render, AQueryResultHasExactlyTheKeysOfTheInterface) {
  ScoredResult result;
  result.id = "m";
  result.content = "x";
  result.score = 0.5;
  result.keyword = 0.25;
  result.similarity = 1;
  result.role = Role::assistant;
  result.created_at = result.updated_at = kTime;
  result.user_id = "u";
  result.session_id = "s";
  result.session_name = "first";
  result.source = "store";
  EXPECT_EQ(
      render_results(std::vector{result}, "s", {true, true}),
      R"({"results":[{"id":"m","content":"x","score":0.5,"type":"message","role":"assistant","created_at":"2023-11-14T22:13:20.123456Z","updated_at":"2023-11-14T22:13:20.123456Z","metadata":{"user_id":"u","agent_id":null,"session_id":"s","session_name":"first","scope":"in_session","level":0,"retrieval":{"source":"store","similarity":1,"keyword":0.25}}}],"total":1,"partial":true,"degraded":true})");
}

TEST(Render, AnyTextIsAJsonStringThatReadsBack) {
  std::mt19937 random(4);
  for (int i = 0; i < 5000; ++i) {
    std::string text;
    for (auto n = random() % 30; n > 0; --n) {
      static const std::string parts[] = {"a",
                                          "\"",
                                          "\\",
                                          "\n",
                                          "\x01",
                                          "é",
                                          "中",
                                          "👍",
                                          "\x7F",
                                          "/",
                                          "\t",
                                          "\r",
                                          "a stretch of nothing special"};
      text += parts[random() % 13];
    }
    std::string json;
    append_json_string(json, text);
    EXPECT_EQ(nlohmann::json::parse(json).get<std::string>(), text);
  }
  std::string json;
  append_json_string(json, "a\xC3(b");
  EXPECT_EQ(json, "\"a\xEF\xBF\xBD(b\"");
  for (const auto* not_utf8 : {"\xED\xA0\x80", "\xF4\x90\x80\x80", "\xE0\x80\x80", "\xF0\x80\x80\x80"}) {
    std::string replaced;
    append_json_string(replaced, not_utf8);
    EXPECT_TRUE(nlohmann::json::accept(replaced)) << replaced;
  }
}

}  // namespace
}  // namespace holdfast::http::codec
