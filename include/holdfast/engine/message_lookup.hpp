// Messages by id, from the buffers and then the store, as a reader sees them now. Coroutines of the owner
// shard.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <string>
#include <vector>

#include "holdfast/engine/user_shard.hpp"

namespace holdfast::engine {

// Those of a user that exist, in any order; unavailable where one that is not found may be in the journal
// alone.
asio::awaitable<Outcome<std::vector<Message>>> find_messages(UserShard& shard, std::string user_id,
                                                             std::vector<std::string> ids);
// The same, for ids of a session that has nothing in the journal alone.
asio::awaitable<Outcome<std::vector<Message>>> find_messages_outside_journal(UserShard& shard,
                                                                             std::string user_id,
                                                                             std::vector<std::string> ids);

// Why a message cannot be told to be there or not.
Failure may_wait_in_journal();

// Those of a session, in the order asked for; not_found when one is missing.
asio::awaitable<Outcome<std::vector<Message>>> require_messages(UserShard& shard, std::string session_id,
                                                                std::vector<std::string> ids);

}  // namespace holdfast::engine
