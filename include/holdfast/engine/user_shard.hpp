// What one shard owns, wired; no logic. The paths (ingest, query, bypass) are coroutines that take it and run
// on its thread.
#pragma once

#include <memory>
#include <optional>

#include "holdfast/cache/embedding_cache.hpp"
#include "holdfast/cache/query_cache.hpp"
#include "holdfast/engine/backlog.hpp"
#include "holdfast/engine/flush_loop.hpp"
#include "holdfast/engine/idempotency_keys.hpp"
#include "holdfast/engine/journal_port.hpp"
#include "holdfast/engine/parts.hpp"
#include "holdfast/engine/prediction_queue.hpp"
#include "holdfast/engine/searches_under_way.hpp"
#include "holdfast/engine/session_table.hpp"
#include "holdfast/metrics/probes.hpp"
#include "holdfast/runtime/shard_set.hpp"

namespace holdfast::engine {

enum class Write { add, change };

struct UserShard {
  // index of shard_count; everything referenced must outlive it.
  UserShard(const Parts& parts, unsigned index, unsigned shard_count, runtime::Executor executor,
            metrics::ShardProbe& probe);

  // Why the budgets have no room for a request of this user with that many messages and bytes of text, if
  // so: over_quota (the user's share) or overloaded (the shard's).
  std::optional<Failure> refusal(const UserState& user, std::size_t messages, std::size_t bytes,
                                 Write write = Write::add) const;

  // From now on; on the shard's thread.
  void reconfigure(std::shared_ptr<const Options> options);
  // The same, where only the buffers' options are others: the cache stays as it is.
  void reconfigure_buffers(std::shared_ptr<const Options> options);

  Parts parts;
  const unsigned shard_count;
  const runtime::Executor executor;
  metrics::ShardProbe& probe;
  JournalPort journal;
  SessionTable table;
  IdempotencyKeys idempotency;
  Backlog backlog;
  FlushLoop flush_loop;
  cache::QueryCache cache;
  cache::QueryCache speculations;  // answers to predicted queries
  PredictionQueue predictions;
  cache::EmbeddingCache embeddings;  // of queries, where a server makes them
  SearchesUnderWay searches;
  unsigned verifications = 0;  // of similar hits, under way
};

}  // namespace holdfast::engine
