#pragma once

#include "database.hpp"
#include "holdfast/store/memory_store.hpp"
#include "item_cache.hpp"

namespace holdfast::store {

// One user's items against a query, within one read transaction (opened here).
StoreAnswer search_items(Connection& connection, ItemCache& cache, const StoreQuery& query);

}  // namespace holdfast::store
