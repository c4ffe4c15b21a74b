// Every parser of request bodies over any bytes; what one lets through keeps the promises of parse.hpp, and
// is rendered to JSON that says the same.
//
// Input: a byte that chooses the parser (its high bit: tiny limits), then the body.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "holdfast/base/clock.hpp"
#include "holdfast/base/ids.hpp"
#include "holdfast/http/codec/parse.hpp"
#include "holdfast/http/codec/render.hpp"
#include "http/codec/json_document.hpp"
#include "require.hpp"

namespace holdfast::http::codec {
namespace {

using fuzz::require;
using Json = nlohmann::json;

Json read(const std::string& rendered) {
  auto json = Json::parse(rendered, nullptr, false);
  require(!json.is_discarded(), "what is rendered is JSON");
  return json;
}

void check(const BodyErrors& errors) {
  require(!errors.errors.empty() || !errors.too_large.empty(), "a refusal has a reason");
  require(read(render_body_errors(errors))["detail"].size() == errors.errors.size(),
          "each error is rendered");
}

void check(const std::string& text) {
  require(read(render_id("id", text))["id"] == text, "a text is rendered as it is");
}

void check(const std::vector<std::string>& texts) {
  require(!texts.empty(), "a list is not empty");
  for (const auto& text : texts) require(!text.empty(), "no text of a list is empty");
  require(read(render_ids("ids", texts))["ids"] == texts, "a list is rendered as it is");
}

void check(const NewMessage& message) {
  require(message.role <= Role::system, "the role is one that clients may use");
  require(!message.content.empty(), "the content is not empty");
  if (message.id) require(is_valid_id(*message.id), "the id is valid");
  Message kept;
  kept.id = message.id.value_or("m");
  kept.role = message.role;
  kept.content = message.content;
  kept.created_at = message.created_at.value_or(Timestamp{});
  kept.metadata = message.metadata;
  const auto time = parse_iso8601(to_iso8601(kept.created_at));
  require(time && *time == kept.created_at, "a time is rendered as it is");
  const auto shown = read(render_messages(std::span(&kept, 1), true))["messages"][0];
  require(shown["content"] == kept.content && shown["id"] == kept.id, "a message is rendered as it is");
  require(shown["metadata"].is_object(), "metadata is an object");
  const auto extras = message.metadata.empty() ? Json::object() : read(message.metadata);
  for (const auto& [name, value] : extras.items()) {
    require(shown[name] == value, "what is kept beside the text is rendered as it is");
  }
}

void check(const std::vector<NewMessage>& messages) {
  require(!messages.empty(), "there are messages");
  for (const auto& message : messages) check(message);
}

void check(const CreateNamed& value) {
  require(!value.name.empty(), "a name is not empty");
  const auto shown = read(render_named("user", {"u", value.name, value.description, {}, {}}))["user"];
  require(shown["name"] == value.name, "a name is rendered as it is");
}

void check(const ChangeNamed& value) {
  require(!value.name || !value.name->empty(), "a name is not empty");
  check(value.name.value_or(""));
  check(value.description.value_or(""));
}

void check(const CreateSession& value) {
  require(!value.user_id.empty() && !value.agent_id.empty(), "a session has its owners");
  const Session session{"s", value.user_id, value.agent_id, value.name.value_or(""), {}, {}};
  require(read(render_session(session))["session"]["user_id"] == value.user_id,
          "a session is rendered as it is");
}

void check(const UpdateMessages& value) {
  check(value.message_ids);
  check(value.new_messages);
}

void check(const UpdateKnowledge& value) {
  check(value.knowledge_ids);
  check(value.new_knowledge);
}

void check(const Query& value) {
  require(value.user_id == "u" && value.source <= SourceFilter::graph, "a query is what was asked");
  ScoredResult result;
  result.content = value.text;
  result.session_id = value.session_id.value_or("");
  result.agent_id = value.agent_id.value_or("");
  const auto shown = read(render_results(std::span(&result, 1), value.session_id, {true, true}));
  require(shown["results"][0]["content"] == value.text, "a result is rendered as it is");
}

void check(const FlushBody& value) {
  check(value.user_id.value_or(""));
  check(value.session_id.value_or(""));
}

void check(const BatchLine& value) {
  require(!value.session_id.empty(), "a line names its session");
  check(value.message);
}

template <class T>
void check_outcome(const Parsed<T>& parsed) {
  if (parsed) return check(*parsed);
  check(parsed.error());
}

// A document says what nlohmann says.
void check_document(std::string_view text) {
  if (text.find('\0') != std::string_view::npos) return;
  const JsonDocument read(text);
  const auto expected = parse_json_slowly(text);
  require(read.too_deep() == expected.too_deep, "too deep is too deep");
  require(read.ok() == !expected.root.is_discarded(), "JSON is JSON");
  require(!read.ok() || to_json(read.root()) == expected.root, "the values are the same");
}

void run(fuzz::Input input) {
  const auto choice = input.byte();
  Limits limits;
  if (choice & 0x80) {
    limits.message_bytes = 24;
    limits.batch_messages = 2;
  }
  const auto body = input.rest();
  check_document(body);
  switch ((choice & 0x7f) % 12) {
    case 0:
      return check_outcome(parse_add_messages(body, limits));
    case 1:
      return check_outcome(parse_update_messages(body, limits));
    case 2:
      return check_outcome(parse_batch_line(body, limits));
    case 3:
      return check_outcome(parse_query(body, "u"));
    case 4:
      return check_outcome(parse_create_named(body));
    case 5:
      return check_outcome(parse_change_named(body));
    case 6:
      return check_outcome(parse_create_session(body));
    case 7:
      return check_outcome(parse_ids(body, "message_ids"));
    case 8:
      return check_outcome(parse_add_knowledge(body, limits));
    case 9:
      return check_outcome(parse_update_knowledge(body, limits));
    case 10:
      return check_outcome(parse_flush(body));
    default:  // any bytes as a text
      require(!read(render_id("id", body)).is_discarded(), "any bytes are rendered as JSON");
      if (const auto time = parse_iso8601(body)) {
        const auto again = parse_iso8601(to_iso8601(*time));
        require(again && *again == *time, "a time is rendered as it is");
      }
  }
}

}  // namespace
}  // namespace holdfast::http::codec

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  holdfast::http::codec::run({data, size});
  return 0;
}
