// The marks of items whose vectors are still to come.
#pragma once

#include <span>

#include "database.hpp"
#include "holdfast/store/memory_store.hpp"

namespace holdfast::store {

void mark_pending(Connection& connection, std::int64_t item_no);
void unmark_pending(Connection& connection, std::int64_t item_no);
void retry_given_up(Connection& connection);

PendingVectors list_pending(Connection& connection, std::size_t limit, std::size_t max_bytes);
void fill_in_vectors(Connection& connection, std::span<const LateVector> vectors);
void give_up(Connection& connection, std::span<const std::int64_t> marks);

}  // namespace holdfast::store
