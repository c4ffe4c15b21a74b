// What the journal carries: the operations on messages, as values and as bytes (layout:
// src/journal/FORMAT.md).
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "holdfast/base/bytes.hpp"
#include "holdfast/base/result.hpp"
#include "holdfast/model/types.hpp"

namespace holdfast::journal {

enum class RecordType : std::uint8_t { append = 1, update = 2, erase = 3, acknowledge = 4 };

// One round of messages, with what a restart needs to answer a repeat of the same request. Round::lsn is not
// encoded.
struct AppendRecord {
  std::string user_id;
  Round round;
  std::string idempotency_key;     // empty: none
  std::uint64_t request_hash = 0;  // of the request body, meaningful with a key
  Timestamp accepted_at{};         // when the request came; the key is remembered from then on
};

struct MessageChange {
  std::string id;
  Role role = Role::user;
  std::string content;
  std::string metadata;
};

struct UpdateRecord {
  std::string user_id;
  std::string session_id;
  Timestamp updated_at{};
  std::vector<MessageChange> changes;
};

struct EraseRecord {
  std::string user_id;
  std::string session_id;
  std::vector<std::string> message_ids;
};

using Operation = std::variant<AppendRecord, UpdateRecord, EraseRecord>;

RecordType type_of(const Operation& operation);
const std::string& session_of(const Operation& operation);
Bytes encode(const Operation& operation);
Result<Operation> decode(RecordType type, std::string_view payload);  // permanent on anything malformed

}  // namespace holdfast::journal
