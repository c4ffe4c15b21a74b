// Request bodies to plain values. A body of the wrong shape is a list of BodyErrors, rendered as the 422
// answer that FastAPI clients know (codec/render.hpp). Only std::bad_alloc is thrown. Extra fields are
// ignored; null stands for an absent optional field.
#pragma once

#include <boost/system/result.hpp>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "holdfast/http/options.hpp"
#include "holdfast/model/types.hpp"

namespace holdfast::http::codec {

using Location = std::vector<std::variant<std::string, std::size_t>>;  // {"body", "messages", 0, "role"}

struct BodyError {
  Location location;
  std::string message;
  std::string type;  // pydantic's names: "missing", "string_type", …
};

// More are counted, not told: a small body must not make a large answer.
inline constexpr std::size_t kMostErrors = 100;

struct BodyErrors {
  std::vector<BodyError> errors;  // at most kMostErrors
  std::string too_large;          // not empty: a limit on sizes was passed (413), and this says which
};

[[noreturn]] void throw_exception_from_error(const BodyErrors& errors, const boost::source_location&);

template <class T>
using Parsed = boost::system::result<T, BodyErrors>;

struct CreateNamed {
  std::string name;
  std::string description;
};
struct ChangeNamed {
  std::optional<std::string> name, description;
};
struct CreateSession {
  std::string user_id, agent_id;
  std::optional<std::string> name;
};
struct UpdateMessages {
  std::vector<std::string> message_ids;
  std::vector<NewMessage> new_messages;
};
struct UpdateKnowledge {
  std::vector<std::string> knowledge_ids, new_knowledge;
};
struct FlushBody {
  std::optional<std::string> user_id, session_id;
  bool wait = true;
};
struct BatchLine {
  std::string session_id;
  NewMessage message;
};

// What is kept of a message beside its text goes into metadata as {"metadata":{…},"name":…,"tool_calls":…,
// "tool_call_id":…}, only what was sent; nothing sent: empty.
Parsed<CreateNamed> parse_create_named(std::string_view body);
Parsed<ChangeNamed> parse_change_named(std::string_view body);
Parsed<CreateSession> parse_create_session(std::string_view body);
Parsed<std::vector<NewMessage>> parse_add_messages(std::string_view body, const Limits& limits);
Parsed<UpdateMessages> parse_update_messages(std::string_view body, const Limits& limits);
Parsed<std::vector<std::string>> parse_ids(std::string_view body,
                                           std::string_view field);  // "message_ids" or "knowledge_ids"
Parsed<std::vector<std::string>> parse_add_knowledge(std::string_view body, const Limits& limits);
Parsed<UpdateKnowledge> parse_update_knowledge(std::string_view body, const Limits& limits);
Parsed<Query> parse_query(std::string_view body, std::string user_id);
Parsed<FlushBody> parse_flush(std::string_view body);  // an empty body is {}
// The duration of a profile, 1…60 s; 5 s where none is given.
Parsed<std::chrono::seconds> parse_profile(std::string_view body);
// A line may be as long as a body elsewhere: limits.body_bytes.
Parsed<BatchLine> parse_batch_line(std::string_view line, const Limits& limits);

}  // namespace holdfast::http::codec
