// Messages by id, from the buffers and then the store, as a reader sees them now. Coroutines of the owner
// shard.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <string>
#include <vector>

#include "holdfast/engine/user_shard.hpp"

namespace holdfast::engine {

// Those of a user that exist, in any order.
asio::awaitable<Outcome<std::vector<Message>>> find_messages(UserShard& shard, std::string user_id,
                                                             std::vector<std::string> ids);

// Those of a session, in the order asked for; not_found when one is missing.
asio::awaitable<Outcome<std::vector<Message>>> require_messages(UserShard& shard, std::string session_id,
                                                                std::vector<std::string> ids);

}  // namespace holdfast::engine
