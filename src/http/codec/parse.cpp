#include "holdfast/http/codec/parse.hpp"

#include <array>
#include <utility>

#include "body_reader.hpp"
#include "holdfast/base/ids.hpp"

namespace holdfast::http::codec {
namespace {

// Runs fill(reader, value) on an object body and answers the value or all errors.
template <class T, class Fill>
Parsed<T> read_body(std::string_view body, Fill fill) {
  BodyReader reader(body);
  T value{};
  if (reader.ok()) fill(reader, value);
  if (!reader.ok()) return reader.take_errors();
  return value;
}

std::optional<std::string> read_id(BodyReader& reader, JsonObject object, const Path& at,
                                   std::string_view name) {
  auto id = reader.optional_text(object, at, name);
  if (id && !is_valid_id(*id)) {
    reader.fail(at / name, "An id should have 1 to 256 bytes and no control characters", "value_error");
  }
  return id;
}

// What is kept of a message beside its text, as one JSON object.
std::string read_extras(BodyReader& reader, JsonObject object, const Path& at) {
  static constexpr std::array<std::string_view, 4> kKept{"metadata", "name", "tool_calls", "tool_call_id"};
  Json extras;
  for (const auto name : kKept) {
    const auto value = reader.member(object, at, name, false);
    if (!value) continue;
    if (name == "metadata" && !value->is_object()) {
      reader.fail(at / name, "Input should be a valid dictionary", "dict_type");
      continue;
    }
    extras[std::string(name)] = to_json(*value);
  }
  return extras.is_null() ? std::string() : extras.dump();
}

std::optional<Timestamp> read_time(BodyReader& reader, JsonObject object, const Path& at,
                                   std::string_view name) {
  const auto text = reader.optional_text(object, at, name);
  if (!text) return std::nullopt;
  const auto time = parse_iso8601(*text);
  if (time) return *time;
  reader.fail(at / name, "Input should be a valid datetime", "datetime_parsing");
  return std::nullopt;
}

Role read_role(BodyReader& reader, JsonObject object, const Path& at) {
  const auto value = reader.member(object, at, "role", true);
  if (!value) return Role::user;
  const auto role = value->is_string() ? parse_role(std::string_view(*value)) : std::nullopt;
  if (role && *role <= Role::system) return *role;
  reader.fail(at / "role", "Input should be 'user', 'assistant' or 'system'", "literal_error");
  return Role::user;
}

NewMessage read_message(BodyReader& reader, JsonObject object, const Path& at, const Limits& limits) {
  NewMessage message;
  message.role = read_role(reader, object, at);
  message.content = reader.text(object, at, "content", 1);
  message.id = read_id(reader, object, at, "id");
  message.created_at = read_time(reader, object, at, "created_at");
  message.metadata = read_extras(reader, object, at);
  if (message.content.size() + message.metadata.size() > limits.message_bytes) {
    reader.too_large("A message is larger than " + std::to_string(limits.message_bytes) + " bytes");
  }
  return message;
}

std::vector<NewMessage> read_messages(BodyReader& reader, std::string_view field, const Limits& limits) {
  std::vector<NewMessage> messages;
  const auto items = reader.list(reader.root(), kBody, field, 1);
  if (!items) return messages;
  if (items->size() > limits.batch_messages) {
    reader.too_large("More than " + std::to_string(limits.batch_messages) + " messages in one request");
    return messages;
  }
  messages.reserve(items->size());
  const auto at_list = kBody / field;
  std::size_t i = 0;
  for (const auto item : *items) {
    const auto at = at_list / i++;
    if (item.is_object()) {
      messages.push_back(read_message(reader, item, at, limits));
    } else {
      reader.fail(at, "Input should be a valid dictionary or object to extract fields from",
                  "model_attributes_type");
    }
  }
  return messages;
}

void check_sizes(BodyReader& reader, const std::vector<std::string>& texts, const Limits& limits) {
  if (texts.size() > limits.batch_messages) {
    reader.too_large("More than " + std::to_string(limits.batch_messages) + " items in one request");
  }
  for (const auto& text : texts) {
    if (text.size() > limits.message_bytes) {
      reader.too_large("An item is larger than " + std::to_string(limits.message_bytes) + " bytes");
    }
  }
}

SourceFilter read_source(BodyReader& reader) {
  const auto text = reader.optional_text(reader.root(), kBody, "store_type");
  if (!text) return SourceFilter::all;
  if (*text == "vector") return SourceFilter::vector;
  if (*text == "keyword") return SourceFilter::keyword;
  if (*text == "graph") return SourceFilter::graph;
  reader.fail(kBody / "store_type", "Input should be 'vector', 'keyword' or 'graph'", "enum");
  return SourceFilter::all;
}

}  // namespace

Parsed<CreateNamed> parse_create_named(std::string_view body) {
  return read_body<CreateNamed>(body, [](BodyReader& reader, CreateNamed& value) {
    value.name = reader.text(reader.root(), kBody, "name", 1);
    value.description = reader.optional_text(reader.root(), kBody, "description").value_or("");
  });
}

Parsed<ChangeNamed> parse_change_named(std::string_view body) {
  return read_body<ChangeNamed>(body, [](BodyReader& reader, ChangeNamed& value) {
    value.name = reader.optional_text(reader.root(), kBody, "name", 1);
    value.description = reader.optional_text(reader.root(), kBody, "description");
  });
}

Parsed<CreateSession> parse_create_session(std::string_view body) {
  return read_body<CreateSession>(body, [](BodyReader& reader, CreateSession& value) {
    value.user_id = reader.text(reader.root(), kBody, "user_id", 1);
    value.agent_id = reader.text(reader.root(), kBody, "agent_id", 1);
    value.name = reader.optional_text(reader.root(), kBody, "name", 1);
  });
}

Parsed<std::vector<NewMessage>> parse_add_messages(std::string_view body, const Limits& limits) {
  return read_body<std::vector<NewMessage>>(
      body, [&](BodyReader& reader, auto& value) { value = read_messages(reader, "messages", limits); });
}

Parsed<UpdateMessages> parse_update_messages(std::string_view body, const Limits& limits) {
  return read_body<UpdateMessages>(body, [&](BodyReader& reader, UpdateMessages& value) {
    value.message_ids = reader.texts(reader.root(), kBody, "message_ids", 1, 1);
    value.new_messages = read_messages(reader, "new_messages", limits);
  });
}

Parsed<std::vector<std::string>> parse_ids(std::string_view body, std::string_view field) {
  return read_body<std::vector<std::string>>(body, [&](BodyReader& reader, auto& value) {
    value = reader.texts(reader.root(), kBody, field, 1, 1);
  });
}

Parsed<std::vector<std::string>> parse_add_knowledge(std::string_view body, const Limits& limits) {
  return read_body<std::vector<std::string>>(body, [&](BodyReader& reader, auto& value) {
    value = reader.texts(reader.root(), kBody, "knowledge", 1, 1);
    check_sizes(reader, value, limits);
  });
}

Parsed<UpdateKnowledge> parse_update_knowledge(std::string_view body, const Limits& limits) {
  return read_body<UpdateKnowledge>(body, [&](BodyReader& reader, UpdateKnowledge& value) {
    value.knowledge_ids = reader.texts(reader.root(), kBody, "knowledge_ids", 1, 1);
    value.new_knowledge = reader.texts(reader.root(), kBody, "new_knowledge", 1, 1);
    check_sizes(reader, value.new_knowledge, limits);
  });
}

Parsed<Query> parse_query(std::string_view body, std::string user_id) {
  return read_body<Query>(body, [&](BodyReader& reader, Query& value) {
    const auto root = reader.root();
    value.user_id = std::move(user_id);
    value.text = reader.text(root, kBody, "query", 0);
    value.session_id = reader.optional_text(root, kBody, "session_id");
    value.agent_id = reader.optional_text(root, kBody, "agent_id");
    value.top_k = reader.integer(root, kBody, "top_k", 5);
    value.source = read_source(reader);
    value.include_messages = reader.boolean(root, kBody, "include_messages", true);
    value.include_knowledge = reader.boolean(root, kBody, "include_knowledge", true);
  });
}

Parsed<FlushBody> parse_flush(std::string_view body) {
  return read_body<FlushBody>(body.empty() ? "{}" : body, [](BodyReader& reader, FlushBody& value) {
    value.user_id = reader.optional_text(reader.root(), kBody, "user_id", 1);
    value.session_id = reader.optional_text(reader.root(), kBody, "session_id", 1);
    value.wait = reader.boolean(reader.root(), kBody, "wait", true);
  });
}

Parsed<std::chrono::seconds> parse_profile(std::string_view body) {
  return read_body<std::chrono::seconds>(body.empty() ? "{}" : body, [](BodyReader& reader, auto& value) {
    const auto given = reader.integer(reader.root(), kBody, "duration", 5);
    if (given < 1) {
      reader.fail(kBody / "duration", "Input should be greater than or equal to 1", "greater_than_equal");
    } else if (given > 60) {
      reader.fail(kBody / "duration", "Input should be less than or equal to 60", "less_than_equal");
    }
    value = std::chrono::seconds(given);
  });
}

Parsed<BatchLine> parse_batch_line(std::string_view line, const Limits& limits) {
  if (line.size() > limits.body_bytes)
    return BodyErrors{{}, "A line is larger than " + std::to_string(limits.body_bytes) + " bytes"};
  return read_body<BatchLine>(line, [&](BodyReader& reader, BatchLine& value) {
    value.session_id = reader.text(reader.root(), kBody, "session_id", 1);
    value.message = read_message(reader, reader.root(), kBody, limits);
  });
}

}  // namespace holdfast::http::codec
