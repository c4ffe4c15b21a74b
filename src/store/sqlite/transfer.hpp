// Imports and exports as SQL: messages with the names of where they belong.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "database.hpp"
#include "holdfast/store/memory_store.hpp"

namespace holdfast::store {

// Within the caller's write transaction.
ImportAnswer import_named(Connection& connection, const std::function<std::vector<ImportedMessage>()>& next,
                          Timestamp now, Lsn lsn);

// Nothing: there is no such user.
std::optional<Scanned> scan_named(Connection& connection, const MessageScan& scan);

}  // namespace holdfast::store
