// Bypass mode: straight to the store, without journal, buffers and cache. A success means that the store has
// committed (durably: that is the store's contract). What was buffered before is recorded as stored first, so
// that what the journal's durability survives does not bring it back. Coroutines of the owner shard.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <string>
#include <vector>

#include "holdfast/engine/user_shard.hpp"

namespace holdfast::bypass {

namespace asio = boost::asio;
using engine::Outcome;
using engine::UserShard;

asio::awaitable<Outcome<void>> insert_round(UserShard& shard, std::string user_id, Round round);
asio::awaitable<Outcome<void>> update(UserShard& shard, std::string user_id, std::string session_id,
                                      std::vector<Message> messages);
asio::awaitable<Outcome<void>> erase(UserShard& shard, std::string user_id, std::string session_id,
                                     std::vector<std::string> ids);

}  // namespace holdfast::bypass
