// Keeps a journal to the store it was written for. What it holds for sessions that a store does not have is
// taken for that of deleted sessions and forgotten: with a wrong or a new store that would be all of it.
#pragma once

#include <cstdint>
#include <string>

#include "holdfast/io/file_system.hpp"

namespace holdfast {

// dir: the journal's, locked by us; its file "store-id" names the store. waiting: operations in the journal
// that are not in the store. Notes the store where the journal has none or owes nothing. Error (permanent):
// the journal is another store's.
Result<void> keep_to_store(io::FileSystem& files, const io::Path& dir, const std::string& store_id,
                           std::uint64_t waiting);

}  // namespace holdfast
