// From a query to its answer, over buffers and store. Coroutines of the shard that owns the user.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "holdfast/engine/user_shard.hpp"
#include "holdfast/store/memory_store.hpp"

namespace holdfast::query {

namespace asio = boost::asio;
using engine::Outcome;
using engine::UserShard;

struct Answer {
  std::vector<ScoredResult> results;  // score descending, then id ascending; at most top_k
  bool partial = false;               // the store did not answer: buffered messages only
  enum class Origin : std::uint8_t {
    searched,
    exact_hit,
    similar_hit,
    speculative_hit
  } origin = Origin::searched;
  std::optional<std::string> session_id;  // the query's, where it is to tag the results
  bool degraded = false;                  // the embedding server did not answer: found by keyword alone
};

// Everything acknowledged before the call is searched. not_found for an unknown user, for a session that is
// not the user's, or for an unknown agent; unavailable or overloaded where a long text cannot be made ready.
asio::awaitable<Outcome<Answer>> answer_query(UserShard& shard, Query query);

enum class Scope { everything, round_buffer };

struct Listing {
  store::MessageListing what;
  Scope scope = Scope::everything;
};

// A session's messages: buffers and store, each once, in the order asked for.
asio::awaitable<Outcome<std::vector<Message>>> list_messages(UserShard& shard, Listing listing);

}  // namespace holdfast::query
