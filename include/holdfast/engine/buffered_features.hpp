// What retrieval knows of buffered messages: terms and vectors, kept in UserState::features while they are
// buffered. On the shard's thread.
#pragma once

#include "holdfast/engine/user_shard.hpp"
#include "holdfast/text/features.hpp"

namespace holdfast::engine {

// Computed at first need. With a deferred embedder the vector is pending until the server has answered.
const text::Features& features_of(UserState& user, const Message& message, const Parts& parts);

// Where the embedder is deferred: asks the server for the vector of a buffered message, unless it is known or
// asked for already, or the server is known to be away. If the message is still buffered with that content
// when the answer comes, it is found by its vector from then on. A failure changes nothing: the next query
// asks again, and what is stored without its vector is marked as pending there.
void request_vector(UserShard& shard, UserState& user, const Message& message);

}  // namespace holdfast::engine
