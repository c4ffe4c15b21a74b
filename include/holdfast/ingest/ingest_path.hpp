// From a parsed request to an acknowledged one: add, update and erase messages of a session. Coroutines of
// the shard that owns the session's user. When one returns success the operation is durable as configured (in
// bypass mode: committed by the store) and visible to every reader that begins after it.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <optional>
#include <string>
#include <vector>

#include "holdfast/engine/user_shard.hpp"
#include "holdfast/journal/journal.hpp"

namespace holdfast::ingest {

namespace asio = boost::asio;
using engine::AddAnswer;
using engine::Outcome;
using engine::UserShard;

struct AddRequest {
  std::string session_id;
  std::vector<NewMessage> messages;  // not empty
  std::string idempotency_key;       // empty: none
  std::uint64_t request_hash = 0;    // of the body; with a key
};

// A repeat of a client-made id with the same role and content answers the same id and writes nothing.
asio::awaitable<Outcome<AddAnswer>> add_messages(UserShard& shard, AddRequest request);

struct MessageUpdate {
  std::string id;
  Role role = Role::user;
  std::string content;
  std::string metadata;
};

// All or none: not_found when any message is missing. Answer: the ids.
asio::awaitable<Outcome<std::vector<std::string>>> update_messages(UserShard& shard, std::string session_id,
                                                                   std::vector<MessageUpdate> updates);
asio::awaitable<Outcome<std::vector<std::string>>> erase_messages(UserShard& shard, std::string session_id,
                                                                  std::vector<std::string> ids);

// Takes an operation in again that became a dead letter: journalled under a new LSN, then applied as in
// replay.
asio::awaitable<Outcome<void>> resubmit(UserShard& shard, journal::Operation operation);

// At start: brings journalled operations back in this order, through the same apply step as live ones. Waits
// while the shard's buffers are full. Errors: the store cannot be asked.
asio::awaitable<Result<void>> replay(UserShard& shard, std::vector<journal::ReplayedRecord> records);

}  // namespace holdfast::ingest
