// A message as a line of NDJSON: {"user", "agent", "session", "role", "content"} by name, and where given
// "id", "created_at", "updated_at" (where it differs), "metadata", "name", "tool_calls", "tool_call_id".
// Fields with other names are ignored; null stands for absent.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "holdfast/base/result.hpp"
#include "holdfast/store/memory_store.hpp"

namespace holdfast::transfer {

struct ParsedLine {
  store::NamedMessage named;
  bool has_id = false;          // else message.id is empty
  bool has_created_at = false;  // else created_at and updated_at are the epoch
};

// The error (permanent) says what is wrong in words of the format, without the line's own text.
Result<ParsedLine> parse_message_line(std::string_view line, std::size_t max_message_bytes);

// Appends the line with its end; parse_message_line() of it gives the same message.
void append_message_line(std::string& out, const store::NamedMessage& named);

// The line that the daemon's POST /api/v1/messages/batch takes.
void append_batch_line(std::string& out, std::string_view session_id, const Message& message);

}  // namespace holdfast::transfer
