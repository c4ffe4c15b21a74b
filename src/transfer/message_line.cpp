#include "holdfast/transfer/message_line.hpp"

#include <array>
#include <nlohmann/json.hpp>
#include <optional>

#include "holdfast/base/ids.hpp"

namespace holdfast::transfer {
namespace {

using Json = nlohmann::json;

constexpr int kMaxDepth = 32;
constexpr std::size_t kMaxNameBytes = 1024;
// What is kept of a message beside its text, as the HTTP interface keeps it (Message::metadata).
constexpr std::array<const char*, 4> kExtras{"metadata", "name", "tool_calls", "tool_call_id"};

// Reads fields of one line; remembers the first thing that is wrong.
class LineFields {
 public:
  explicit LineFields(const Json& object) : object_(object) {}

  const Json* find(const char* name) const {
    const auto found = object_.find(name);
    return found == object_.end() || found->is_null() ? nullptr : &*found;
  }

  std::optional<std::string> optional_text(const char* name) {
    const auto* value = find(name);
    if (!value) return std::nullopt;
    if (value->is_string()) return value->get<std::string>();
    fail(std::string(name) + " is no text");
    return std::nullopt;
  }

  std::string text(const char* name) {
    auto value = optional_text(name);
    if (!value || value->empty()) fail(std::string(name) + " is missing or empty");
    return std::move(value).value_or("");
  }

  std::string name(const char* field) {
    auto value = text(field);
    if (value.size() > kMaxNameBytes) fail(std::string(field) + " is longer than a name may be");
    return value;
  }

  std::optional<Timestamp> time(const char* name) {
    const auto given = optional_text(name);
    if (!given) return std::nullopt;
    const auto parsed = parse_iso8601(*given);
    if (parsed) return *parsed;
    fail(std::string(name) + " is no date-time");
    return std::nullopt;
  }

  Role role() {
    const auto role = parse_role(text("role"));
    if (!role) fail("role is not one of user, assistant, system, tool, developer");
    return role.value_or(Role::user);
  }

  std::string extras() {
    Json kept = Json::object();
    for (const auto* name : kExtras) {
      if (const auto* value = find(name)) kept[name] = *value;
    }
    if (kept.contains("metadata") && !kept["metadata"].is_object()) fail("metadata is no object");
    return kept.empty() ? std::string() : kept.dump();
  }

  void fail(std::string what) {
    if (problem_.empty()) problem_ = std::move(what);
  }
  const std::string& problem() const { return problem_; }

 private:
  const Json& object_;
  std::string problem_;
};

// What is wrong; empty: object is one.
std::string parse_object(std::string_view line, Json& object) {
  bool too_deep = false;
  const auto bound_depth = [&](int depth, Json::parse_event_t event, Json&) {
    const bool opens =
        event == Json::parse_event_t::object_start || event == Json::parse_event_t::array_start;
    too_deep = too_deep || (opens && depth >= kMaxDepth);
    return !too_deep;
  };
  // NUL would end the text for the parser, and hide what follows it.
  if (line.find('\0') != std::string_view::npos) return "it is not valid JSON";
  object = Json::parse(line, bound_depth, /*allow_exceptions=*/false);
  if (too_deep) return "it is nested more than " + std::to_string(kMaxDepth) + " deep";
  if (object.is_discarded()) return "it is not valid JSON";
  if (!object.is_object()) return "it is no JSON object";
  return {};
}

void put(std::string& out, const char* name, const std::string& value) {
  out += out.back() == '{' ? "\"" : ",\"";
  out += name;
  out += "\":";
  out += value;
}

std::string json_text(std::string_view text) {
  return Json(text).dump(-1, ' ', false, Json::error_handler_t::replace);
}

void put_message(std::string& out, const Message& message) {
  put(out, "role", json_text(to_string(message.role)));
  put(out, "content", json_text(message.content));
  put(out, "id", json_text(message.id));
  put(out, "created_at", json_text(to_iso8601(message.created_at)));
  if (message.updated_at != message.created_at) {
    put(out, "updated_at", json_text(to_iso8601(message.updated_at)));
  }
  if (!message.metadata.empty()) {
    const auto extras = Json::parse(message.metadata, nullptr, false);
    for (const auto* name : kExtras) {
      if (extras.contains(name)) put(out, name, extras[name].dump());
    }
  }
  out += "}\n";
}

}  // namespace

Result<ParsedLine> parse_message_line(std::string_view line, std::size_t max_message_bytes) {
  Json object;
  if (const auto problem = parse_object(line, object); !problem.empty()) return permanent(problem);
  LineFields fields(object);
  ParsedLine parsed;
  parsed.named.user = fields.name("user");
  parsed.named.agent = fields.name("agent");
  parsed.named.session = fields.name("session");
  auto& message = parsed.named.message;
  message.role = fields.role();
  message.content = fields.text("content");
  message.metadata = fields.extras();
  if (auto id = fields.optional_text("id")) {
    if (!is_valid_id(*id)) fields.fail("id is not 1 to 256 bytes without control characters");
    message.id = std::move(*id);
    parsed.has_id = true;
  }
  if (const auto created_at = fields.time("created_at")) {
    message.created_at = *created_at;
    parsed.has_created_at = true;
  }
  message.updated_at = fields.time("updated_at").value_or(message.created_at);
  if (message.content.size() + message.metadata.size() > max_message_bytes) {
    fields.fail("the message is larger than " + std::to_string(max_message_bytes) + " bytes");
  }
  if (!fields.problem().empty()) return permanent(fields.problem());
  return parsed;
}

void append_message_line(std::string& out, const store::NamedMessage& named) {
  out += '{';
  put(out, "user", json_text(named.user));
  put(out, "agent", json_text(named.agent));
  put(out, "session", json_text(named.session));
  put_message(out, named.message);
}

void append_batch_line(std::string& out, std::string_view session_id, const Message& message) {
  out += '{';
  put(out, "session_id", json_text(session_id));
  put_message(out, message);
}

}  // namespace holdfast::transfer
