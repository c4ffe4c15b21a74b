// Queries through the query cache.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <memory>

#include "holdfast/engine/user_shard.hpp"
#include "holdfast/query/query_path.hpp"

namespace holdfast::query {

// From the cache, brought up to date, else searched and kept. Precondition: the cache takes part
// (QueryCache::caches) and none of the user's messages waits in the journal.
asio::awaitable<Outcome<Answer>> answer_through_cache(UserShard& shard, Query query);

// Searches, and keeps the answer in the cache where it may be kept. Identical searches under way are joined.
asio::awaitable<Answer> search_and_keep(UserShard& shard, cache::QueryCache& cache, const Query& query,
                                        std::shared_ptr<const text::PreparedQuery> prepared,
                                        cache::QueryWords words);

}  // namespace holdfast::query
