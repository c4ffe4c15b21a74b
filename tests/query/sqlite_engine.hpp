// A running engine over an SQLite store in a temporary folder.
#pragma once

#include "fakes/running_engine.hpp"
#include "fakes/temporary_directory.hpp"
#include "holdfast/store/sqlite_store.hpp"

namespace holdfast::query {

namespace detail {
struct SqliteFile {
  TemporaryDirectory folder;
  std::unique_ptr<store::MemoryStore> store =
      std::move(*store::open_sqlite_store({folder.path() / "h.db"}, text::builtin_embedder()));
};
}  // namespace detail

struct SqliteEngine : private detail::SqliteFile, engine::RunningEngine {
  explicit SqliteEngine(engine::Options options) : RunningEngine(std::move(options), *SqliteFile::store) {}
  const metrics::ShardProbe& probe() { return *probes().shards[0]; }
};

}  // namespace holdfast::query
