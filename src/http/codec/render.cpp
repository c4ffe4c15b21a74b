#include "holdfast/http/codec/render.hpp"

#include <charconv>
#include <nlohmann/json.hpp>

namespace holdfast::http::codec {
namespace {

// Writes one JSON value after another into a string; the caller keeps the nesting right.
class JsonWriter {
 public:
  explicit JsonWriter(std::string& out) : out_(out) {}

  JsonWriter& open(char bracket) {
    separate();
    out_ += bracket;
    first_ = true;
    return *this;
  }
  JsonWriter& close(char bracket) {
    out_ += bracket;
    first_ = false;
    return *this;
  }
  // name: one of ours, which has nothing to escape.
  JsonWriter& key(std::string_view name) {
    const std::size_t begin = out_.size() + (first_ ? 0 : 1);
    out_.append(begin - out_.size() + name.size() + 3, '"');  // one call: an answer has a hundred keys
    if (!first_) out_[begin - 1] = ',';
    name.copy(out_.data() + begin + 1, name.size());
    out_.back() = ':';
    first_ = true;  // the value follows without a comma
    return *this;
  }
  JsonWriter& foreign_key(std::string_view name) {
    text(name);
    out_ += ':';
    first_ = true;
    return *this;
  }
  JsonWriter& raw(std::string_view json) {
    separate();
    out_ += json;
    return *this;
  }
  JsonWriter& text(std::string_view value) {
    separate();
    append_json_string(out_, value);
    return *this;
  }
  JsonWriter& text_or_null(std::string_view value) { return value.empty() ? raw("null") : text(value); }
  JsonWriter& boolean(bool value) { return raw(value ? "true" : "false"); }
  template <class Number>
  JsonWriter& number(Number value) {
    char digits[32];
    const auto end = std::to_chars(digits, digits + sizeof(digits), value).ptr;
    return raw(std::string_view(digits, static_cast<std::size_t>(end - digits)));
  }

 private:
  void separate() {
    if (!first_) out_ += ',';
    first_ = false;
  }
  std::string& out_;
  bool first_ = true;
};

std::size_t utf8_length(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned lead = byte(at);
  const std::size_t length = lead < 0x80   ? 1
                             : lead < 0xC2 ? 0
                             : lead < 0xE0 ? 2
                             : lead < 0xF0 ? 3
                             : lead < 0xF5 ? 4
                                           : 0;
  if (length == 0 || at + length > text.size()) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(at + i) & 0xC0) != 0x80) return 0;
  }
  // Overlong forms, surrogates, and beyond U+10FFFF (Unicode, table 3-7).
  const unsigned second = length > 2 ? byte(at + 1) : 0x80;
  const bool wrong = (lead == 0xE0 && second < 0xA0) || (lead == 0xED && second > 0x9F) ||
                     (lead == 0xF0 && second < 0x90) || (lead == 0xF4 && second > 0x8F);
  return wrong ? 0 : length;
}

void append_escape(std::string& out, unsigned char c) {
  static constexpr char hex[] = "0123456789abcdef";
  switch (c) {
    case '"':
      out += "\\\"";
      return;
    case '\\':
      out += "\\\\";
      return;
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    default:
      out += "\\u00";
      out += hex[c >> 4];
      out += hex[c & 0xF];
  }
}

std::string list_of(std::string_view key, auto&& items, auto&& write_item) {
  std::string out;
  JsonWriter json(out);
  json.open('{').key(key).open('[');
  for (const auto& item : items) write_item(json, item);
  json.close(']').close('}');
  return out;
}

void write_named(JsonWriter& json, const User& entry) {
  json.open('{').key("id").text(entry.id).key("name").text(entry.name);
  json.key("description").text_or_null(entry.description);
  json.key("created_at")
      .text(to_iso8601(entry.created_at))
      .key("updated_at")
      .text(to_iso8601(entry.updated_at));
  json.close('}');
}

void write_session(JsonWriter& json, const Session& session) {
  json.open('{').key("id").text(session.id).key("user_id").text(session.user_id);
  json.key("agent_id").text(session.agent_id).key("name").text(session.name);
  json.key("created_at")
      .text(to_iso8601(session.created_at))
      .key("updated_at")
      .text(to_iso8601(session.updated_at));
  json.close('}');
}

// "metadata" always, and whatever else was kept with the message.
void write_extras(JsonWriter& json, const std::string& stored) {
  const auto extras = nlohmann::ordered_json::parse(stored.empty() ? "{}" : stored, nullptr, false);
  json.key("metadata").raw(extras.contains("metadata") ? extras["metadata"].dump() : "{}");
  for (const auto& [name, value] : extras.items()) {
    if (name != "metadata") json.foreign_key(name).raw(value.dump());
  }
}

void write_message(JsonWriter& json, const Message& message, bool include_metadata) {
  json.open('{').key("id").text(message.id).key("session_id").text(message.session_id);
  json.key("role").text(to_string(message.role)).key("content").text(message.content);
  json.key("created_at")
      .text(to_iso8601(message.created_at))
      .key("updated_at")
      .text(to_iso8601(message.updated_at));
  if (include_metadata) write_extras(json, message.metadata);
  json.close('}');
}

void write_knowledge(JsonWriter& json, const Knowledge& item) {
  json.open('{').key("id").text(item.id).key("user_id").text(item.user_id).key("content").text(item.content);
  json.key("created_at")
      .text(to_iso8601(item.created_at))
      .key("updated_at")
      .text(to_iso8601(item.updated_at));
  json.close('}');
}

// Shortest form to float's precision: more digits tell nobody anything, and cost a tenth of the rendering.
float shown(double score) {
  return static_cast<float>(score);
}

void write_result(JsonWriter& json, const ScoredResult& result,
                  const std::optional<std::string>& session_id) {
  const bool message = result.type == ItemType::message;
  json.open('{')
      .key("id")
      .text(result.id)
      .key("content")
      .text(result.content)
      .key("score")
      .number(shown(result.score));
  json.key("type").text(message ? "message" : "knowledge");
  json.key("role").text_or_null(result.role ? to_string(*result.role) : std::string_view{});
  json.key("created_at")
      .text(to_iso8601(result.created_at))
      .key("updated_at")
      .text(to_iso8601(result.updated_at));
  json.key("metadata").open('{').key("user_id").text(result.user_id);
  json.key("agent_id").text_or_null(result.agent_id).key("session_id").text_or_null(result.session_id);
  json.key("session_name").text_or_null(result.session_name);
  const std::string_view scope = result.session_id == session_id ? "in_session" : "cross_session";
  json.key("scope").text_or_null(session_id ? scope : std::string_view{}).key("level").number(0);
  json.key("retrieval").open('{').key("source").text(result.source);
  json.key("similarity").number(shown(result.similarity));
  json.key("keyword").number(shown(result.keyword)).close('}');
  json.close('}').close('}');
}

}  // namespace

void append_json_string(std::string& out, std::string_view text) {
  // Control characters, quotes, backslashes, and bytes above 0x7F, which are below 0 here.
  const auto special = [](char byte) {
    const auto c = static_cast<signed char>(byte);
    return static_cast<int>(c < 0x20) | static_cast<int>(c == '"') | static_cast<int>(c == '\\');
  };
  constexpr std::size_t kBlock = 16;  // the compiler makes a few vector instructions of one
  const auto plain_block = [&](const char* block) {
    int any = 0;
    for (std::size_t i = 0; i < kBlock; ++i) any |= special(block[i]);
    return any == 0;
  };
  out += '"';
  for (std::size_t i = 0; i < text.size();) {
    const auto begin = i;
    while (text.size() - i >= kBlock && plain_block(text.data() + i)) i += kBlock;
    while (i < text.size() && special(text[i]) == 0) ++i;
    out.append(text, begin, i - begin);
    if (i == text.size()) break;
    const auto c = static_cast<unsigned char>(text[i]);
    if (c < 0x20 || c == '"' || c == '\\') {
      append_escape(out, c);
      ++i;
    } else if (const auto length = utf8_length(text, i)) {
      out.append(text, i, length);
      i += length;
    } else {
      out += "\xEF\xBF\xBD";
      ++i;
    }
  }
  out += '"';
}

std::string render_success(unsigned status, std::string_view message, std::string_view data) {
  std::string out;
  out.reserve(data.size() + message.size() + 80);
  JsonWriter json(out);
  json.open('{').key("status").text("success").key("code").number(status).key("data").raw(data);
  json.key("message").text(message).key("errors").raw("null").close('}');
  return out;
}

std::string render_error(unsigned status, std::string_view message, std::span<const ParameterError> errors) {
  std::string out;
  JsonWriter json(out);
  json.open('{').key("status").text("error").key("code").number(status).key("data").raw("null");
  json.key("message").text(message).key("errors");
  if (errors.empty()) {
    json.raw("null");
  } else {
    json.open('[');
    for (const auto& error : errors) {
      json.open('{').key("field").text(error.field).key("message").text(error.message).close('}');
    }
    json.close(']');
  }
  json.close('}');
  return out;
}

std::string render_refusal(unsigned status, std::string_view message, std::string_view data) {
  std::string out;
  JsonWriter json(out);
  json.open('{').key("status").text("error").key("code").number(status).key("data").raw(data);
  json.key("message").text(message).key("errors").raw("null").close('}');
  return out;
}

std::string render_body_errors(const BodyErrors& errors) {
  return list_of("detail", errors.errors, [](JsonWriter& json, const BodyError& error) {
    json.open('{').key("loc").open('[');
    for (const auto& step : error.location) {
      if (const auto* name = std::get_if<std::string>(&step)) {
        json.text(*name);
      } else {
        json.number(std::get<std::size_t>(step));
      }
    }
    json.close(']').key("msg").text(error.message).key("type").text(error.type).close('}');
  });
}

std::string render_named(std::string_view key, const User& entry) {
  std::string out;
  JsonWriter json(out);
  write_named(json.open('{').key(key), entry);
  json.close('}');
  return out;
}

std::string render_named_list(std::string_view key, std::span<const User> entries) {
  return list_of(key, entries, write_named);
}

std::string render_session(const Session& session) {
  std::string out;
  JsonWriter json(out);
  write_session(json.open('{').key("session"), session);
  json.close('}');
  return out;
}

std::string render_sessions(std::span<const Session> sessions) {
  return list_of("sessions", sessions, write_session);
}

std::string render_messages(std::span<const Message> messages, bool include_metadata) {
  return list_of("messages", messages, [&](JsonWriter& json, const Message& message) {
    write_message(json, message, include_metadata);
  });
}

std::string render_knowledge(std::span<const Knowledge> items) {
  return list_of("knowledge", items, write_knowledge);
}

std::string render_ids(std::string_view key, std::span<const std::string> ids) {
  return list_of(key, ids, [](JsonWriter& json, const std::string& id) { json.text(id); });
}

std::string render_id(std::string_view key, std::string_view id) {
  std::string out;
  JsonWriter(out).open('{').key(key).text(id).close('}');
  return out;
}

std::string render_results(std::span<const ScoredResult> results,
                           const std::optional<std::string>& session_id, Shortfall shortfall) {
  constexpr std::size_t kUsualBytes = 700;  // of a result beside its content
  std::size_t bytes = kUsualBytes;
  for (const auto& result : results) bytes += kUsualBytes + result.content.size();
  std::string out;
  out.reserve(bytes);
  JsonWriter json(out);
  json.open('{').key("results").open('[');
  for (const auto& result : results) write_result(json, result, session_id);
  json.close(']').key("total").number(results.size());
  if (shortfall.partial) json.key("partial").boolean(true);
  if (shortfall.degraded) json.key("degraded").boolean(true);
  json.close('}');
  return out;
}

std::string render_added(const AddedMessages& added) {
  std::string out;
  out.reserve(256 + 40 * added.message_ids.size());
  JsonWriter json(out);
  json.open('{').key("message_ids").open('[');
  for (const auto& id : added.message_ids) json.text(id);
  json.close(']').key("transfer_triggered").boolean(added.transfer_triggered);
  json.key("total_messages").number(added.message_ids.size()).key("buffer_status").text("success");
  json.key("durability").text(added.durability).key("first_seq").number(added.first_seq);
  json.key("last_seq")
      .number(added.last_seq)
      .key("mode")
      .text(added.mode)
      .key("embedding")
      .text(added.embedding);
  json.close('}');
  return out;
}

std::string render_batch(std::size_t accepted, std::size_t repeated, std::size_t rejected, bool overloaded,
                         std::span<const LineError> errors) {
  std::string out;
  JsonWriter json(out);
  json.open('{').key("accepted").number(accepted).key("repeated").number(repeated);
  json.key("rejected").number(rejected);
  json.key("overloaded").boolean(overloaded).key("errors").open('[');
  for (const auto& error : errors) {
    json.open('{').key("line").number(error.line).key("message").text(error.message).close('}');
  }
  json.close(']').close('}');
  return out;
}

}  // namespace holdfast::http::codec
