// Who of a shard's users takes the most memory: what is buffered of them and their answers in the query
// cache. A user whom the table has forgotten (nothing buffered, long not seen) is not among them.
//
// Cost. The walk takes the shard for at most kBucketsAtOnce buckets of the table at a time (some 0.1 ms) and
// lets others run in between; 100,000 users take some 10 ms of the shard in all.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "holdfast/engine/user_shard.hpp"

namespace holdfast::engine {

struct UserMemory {
  std::string user_id;
  std::uint64_t messages = 0;      // buffered and not yet in the store
  std::size_t buffered_bytes = 0;  // of these, kMessageOverhead included
  std::size_t cache_bytes = 0;     // of answers in the query cache

  std::size_t feature_bytes = 0;  // of terms and vectors of buffered messages

  std::size_t bytes() const { return buffered_bytes + cache_bytes + feature_bytes; }
};
// The order they are shown in: the most bytes first.
inline bool takes_more(const UserMemory& a, const UserMemory& b) {
  return a.bytes() != b.bytes() ? a.bytes() > b.bytes() : a.user_id < b.user_id;
}

inline constexpr std::size_t kBucketsAtOnce = 1024;

// At most count users, of those who take anything, in that order. On the shard's thread.
asio::awaitable<std::vector<UserMemory>> largest_users(UserShard& shard, std::size_t count);

}  // namespace holdfast::engine
