// From a parsed request to an acknowledged one: add, update and erase messages of a session. Coroutines of
// the shard that owns the session's user. When one returns success the operation is durable as configured (in
// bypass mode: committed by the store) and visible to every reader that begins after it.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <optional>
#include <string>
#include <vector>

#include "holdfast/engine/user_shard.hpp"
#include "holdfast/flush/dead_letters.hpp"
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
// replay. Success: the letter is of no more use. Failure, among others: in_progress (the batch in which it
// died, or a change of the message, is under way), id_conflict (the message exists with other content, or was
// updated since).
asio::awaitable<Outcome<void>> resubmit(UserShard& shard, flush::DeadLetter letter);
// Before a dead letter is deleted: the journal may still hold what became the letter, and a restart would
// bring that back. So something newer is journalled: for an insert its erasure, unless the client has added
// the message again; for an update or erasure an update to what the message is now. Failure: as above.
asio::awaitable<Outcome<void>> discard(UserShard& shard, flush::DeadLetter letter);

// At start: brings journalled operations back in this order, through the same apply step as live ones. Waits
// while the shard's buffers are full. Errors: the store cannot be asked.
asio::awaitable<Result<void>> replay(UserShard& shard, std::vector<journal::ReplayedRecord> records);

}  // namespace holdfast::ingest
