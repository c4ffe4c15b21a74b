// One search over buffers and store.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <memory>
#include <vector>

#include "holdfast/engine/user_shard.hpp"
#include "holdfast/text/scorer.hpp"

namespace holdfast::query {

namespace asio = boost::asio;

struct Prepared {
  std::shared_ptr<const text::PreparedQuery> query;
  bool degraded = false;  // the embedding server did not make the vector in time: there is none
};

struct Searched {
  std::vector<ScoredResult> results;
  bool partial = false;   // the store did not answer, or something is only in the journal
  bool keepable = false;  // scored with the statistics of the epoch it began in, which has not ended
};

// The query's terms and its vector: where a server makes vectors, from those it made before, else from it.
// Failure: a long text, and the pool that computes has no time for it.
asio::awaitable<engine::Outcome<Prepared>> prepare(engine::UserShard& shard, const Query& query);

asio::awaitable<Searched> search_everywhere(engine::UserShard& shard, const Query& query,
                                            std::shared_ptr<const text::PreparedQuery> prepared,
                                            std::size_t limit);

}  // namespace holdfast::query
