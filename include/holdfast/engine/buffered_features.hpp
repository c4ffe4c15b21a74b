// What retrieval knows of buffered messages: terms and vectors. Computed when a query first needs them, and
// kept in UserState::features while the messages are buffered; the flush takes them over. They take several
// times the content, so of what is computed here no more is kept than an eighth of what the buffers may hold,
// while memory is short nothing more, where it is critical a part of that; the rest is computed for each
// query. A vector that a server made is kept in any case. On the shard's thread.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <string>

#include "holdfast/engine/user_shard.hpp"
#include "holdfast/text/features.hpp"

namespace holdfast::engine {

// Computed for one query alone, with the content they are of; by message id.
struct PassingFeatures {
  std::string content;
  text::SharedFeatures features;
};
using FeaturesForNow = StringMap<PassingFeatures>;

// With a deferred embedder the vector is pending until the server has answered. Never null.
text::SharedFeatures features_of(UserShard& shard, UserState& user, const Message& message,
                                 const FeaturesForNow& for_now = {});

// Where much is missing of what a query of this user will need, that is computed away from the shard, so that
// others are served meanwhile. Answers what of it could not be kept; features_of() computes what is missing
// even then.
asio::awaitable<FeaturesForNow> compute_features(UserShard& shard, std::string user_id);

// Keeps no more of what was computed here than this share of its bound. Answer: bytes that became free.
std::size_t limit_features(UserShard& shard, double share);

// Where the embedder is deferred: asks the server for the vector of a buffered message, unless it is known or
// asked for already, or the server is known to be away. If the message is still buffered with that content
// when the answer comes, it is found by its vector from then on. A failure changes nothing: the next query
// asks again, and what is stored without its vector is marked as pending there.
void request_vector(UserShard& shard, UserState& user, const Message& message);

}  // namespace holdfast::engine
