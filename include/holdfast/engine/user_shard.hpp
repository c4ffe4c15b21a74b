// What one shard owns, wired; no logic. The paths (ingest, query, bypass) are coroutines that take it and run
// on its thread.
#pragma once

#include "holdfast/cache/query_cache.hpp"
#include "holdfast/engine/flush_loop.hpp"
#include "holdfast/engine/journal_port.hpp"
#include "holdfast/engine/parts.hpp"
#include "holdfast/engine/session_table.hpp"
#include "holdfast/metrics/probes.hpp"
#include "holdfast/runtime/shard_set.hpp"

namespace holdfast::engine {

struct UserShard {
  // index of shard_count; everything referenced must outlive it.
  UserShard(const Parts& parts, unsigned index, unsigned shard_count, runtime::Executor executor,
            metrics::ShardProbe& probe);

  // True while the shard's share of the byte budget has room for a request of this many bytes.
  bool has_room(std::size_t messages, std::size_t bytes) const;

  const Parts& parts;
  const runtime::Executor executor;
  metrics::ShardProbe& probe;
  const std::size_t max_buffer_bytes;
  JournalPort journal;
  SessionTable table;
  FlushLoop flush_loop;
  cache::QueryCache cache;
};

}  // namespace holdfast::engine
