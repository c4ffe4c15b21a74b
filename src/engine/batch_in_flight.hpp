// A session's batch in flight in the forms in which others take it. Precondition of both: there is one.
#pragma once

#include <cstddef>

#include "holdfast/engine/session_table.hpp"
#include "holdfast/flush/dead_letters.hpp"
#include "holdfast/store/memory_store.hpp"

namespace holdfast::engine {

// As the store takes it: operations on older messages first, then the new ones in order.
store::SessionBatch to_store_batch(const SessionState& session);

// What was computed of the messages while they were buffered goes with them. What was changed since then is
// left out: the features are of what the change will make of it.
void add_known_features(const SessionState& session, const UserState& user, store::SessionBatch& batch);

// One operation of it (counted as in to_store_batch) as what would bring it back.
flush::DeadLetter letter_for(const SessionState& session, std::size_t index);

}  // namespace holdfast::engine
