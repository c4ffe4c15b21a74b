// The values the product is about. Plain data: no JSON, no SQL, no Asio. Free to copy and move between
// threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "holdfast/base/clock.hpp"

namespace holdfast {

enum class Role : std::uint8_t { user, assistant, system, tool, developer };
std::string_view to_string(Role role);
std::optional<Role> parse_role(std::string_view text);

struct User {
  std::string id;
  std::string name;
  std::string description;
  Timestamp created_at{};
  Timestamp updated_at{};
};

using Agent = User;  // the same shape; told apart by the table they live in

struct Session {
  std::string id;
  std::string user_id;
  std::string agent_id;
  std::string name;
  Timestamp created_at{};
  Timestamp updated_at{};
};

// Journal sequence number: position of a record in the journal's one order. 0 = none.
using Lsn = std::uint64_t;

struct Message {
  std::string id;
  std::string session_id;
  Role role = Role::user;
  std::string content;  // UTF-8; what is indexed
  Timestamp created_at{};
  Timestamp updated_at{};
  std::uint64_t seq = 0;  // position in its session, from 1, without gaps in the order of acknowledgement
  // A JSON object as text, empty when absent: everything else the client sent with the message that it may
  // ask back (metadata, name, tool_calls, tool_call_id, …). Never interpreted outside http/codec.
  std::string metadata;
  std::uint32_t tokens = 0;  // exact count of the content, 0 where it was not counted (read from the store)
};

// Bytes of what the client sent with it.
inline std::size_t text_bytes(const Message& message) {
  return message.content.size() + message.metadata.size();
}

// A message as a client gives it, before it has an id, times and a sequence number.
struct NewMessage {
  std::optional<std::string> id;  // client-made
  Role role = Role::user;
  std::string content;
  std::optional<Timestamp> created_at;
  std::string metadata;  // as Message::metadata
};

// The messages of one request to one session: they are journalled, moved and acknowledged as one.
struct Round {
  std::string session_id;
  std::vector<Message> messages;  // never empty
  Lsn lsn = 0;                    // of the journal record that carries it; 0 before it is durable
};

struct Knowledge {
  std::string id;
  std::string user_id;
  std::string content;
  Timestamp created_at{};
  Timestamp updated_at{};
};

enum class SourceFilter : std::uint8_t { all, vector, keyword, graph };  // query's store_type

struct Query {
  std::string user_id;
  std::string text;
  std::optional<std::string> session_id;  // tags results with their scope, does not filter
  std::optional<std::string> agent_id;    // filters
  std::int64_t top_k = 5;                 // <= 0: no results
  SourceFilter source = SourceFilter::all;
  bool include_messages = true;
  bool include_knowledge = true;
};

enum class ItemType : std::uint8_t { message, knowledge };

// One answer to a query. For knowledge the session fields and role are empty.
struct ScoredResult {
  ItemType type = ItemType::message;
  std::string id;
  std::string content;
  double score = 0;    // 0…1, comparable between sources
  double keyword = 0;  // the parts of the score, each 0…1
  double similarity = 0;
  std::optional<Role> role;
  Timestamp created_at{};
  Timestamp updated_at{};
  std::string user_id;
  std::string agent_id;
  std::string session_id;
  std::string session_name;
  std::string_view
      source;  // where it was found: "round_buffer", "hybrid_buffer", "in_flight" or "store" (literals)
};

}  // namespace holdfast
