// Queries through the query cache.
#pragma once

#include <boost/asio/awaitable.hpp>

#include "holdfast/engine/user_shard.hpp"
#include "holdfast/query/query_path.hpp"

namespace holdfast::query {

// From the cache, brought up to date, else searched and kept. Precondition: the cache takes part
// (QueryCache::caches) and none of the user's messages waits in the journal.
asio::awaitable<Outcome<Answer>> answer_through_cache(UserShard& shard, Query query);

}  // namespace holdfast::query
