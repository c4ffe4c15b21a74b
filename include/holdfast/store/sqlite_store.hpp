// MemoryStore in one SQLite database: WAL mode, synchronous=FULL, FTS5. Schema: src/store/sqlite/schema.cpp.
// Concurrency: one writer connection under a mutex; callers of write() that arrive meanwhile are committed
// together by whoever gets the writer next (leader and followers). Readers have connections of their own.
#pragma once

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <memory>

#include "holdfast/store/memory_store.hpp"
#include "holdfast/text/embedder.hpp"

namespace holdfast::store {

struct SqliteOptions {
  std::filesystem::path path = "data/holdfast.db";
  std::chrono::milliseconds busy_timeout{5000};
  // cache_bytes: of the vectors that searches keep in memory, about 200,000 messages of the built-in
  // embedder.
  std::size_t max_cached_bytes = 128u << 20;
  std::size_t page_cache_bytes = 2'000 << 10;  // of each connection: the writer and up to four readers
  bool shared = false;          // to read beside whoever has it locked; the index stays as it is
  text::ChunkOptions chunking;  // an index that was made with others is made anew
};

// Creates the file (mode 0600) and its folder (0700) when absent, migrates an older schema, rebuilds the
// index when it was made by another analyzer version or embedder. Errors: permanent, with the path; among
// them that another process has locked it. The embedder must outlive the store.
Result<std::unique_ptr<MemoryStore>> open_sqlite_store(const SqliteOptions& options,
                                                       const text::Embedder& embedder);

}  // namespace holdfast::store
