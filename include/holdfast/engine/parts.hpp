// What all shards share. Built by the daemon, outlives the shards. Everything here is thread-safe or
// constant; each shard has a copy, whose options its thread replaces when the configuration is reloaded.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <utility>

#include "holdfast/base/clock.hpp"
#include "holdfast/base/snapshot.hpp"
#include "holdfast/buffer/buffered_round.hpp"
#include "holdfast/buffer/options.hpp"
#include "holdfast/cache/options.hpp"
#include "holdfast/embedding/remote_embedder.hpp"
#include "holdfast/flush/dead_letters.hpp"
#include "holdfast/flush/flush_workers.hpp"
#include "holdfast/flush/options.hpp"
#include "holdfast/journal/journal.hpp"
#include "holdfast/memory/pressure.hpp"
#include "holdfast/metrics/accounted.hpp"
#include "holdfast/runtime/blocking_pool.hpp"
#include "holdfast/store/memory_store.hpp"
#include "holdfast/text/chunker.hpp"
#include "holdfast/text/embedder.hpp"
#include "holdfast/text/tokenizer.hpp"

namespace holdfast::engine {

enum class Mode { buffer, bypass };

struct Options {
  Mode mode = Mode::buffer;
  buffer::Options buffer;
  flush::Options flush;
  cache::Options cache;  // of the whole process
  cache::SpeculationOptions speculation;
  text::ChunkStrategy chunk_strategy = text::ChunkStrategy::message;
  journal::Durability durability = journal::Durability::fsync;  // as the journal is configured
  std::size_t max_buffer_bytes = 512u << 20;                    // of the whole process
  double user_share = 0.25;  // of max_buffer_bytes (and of the journal) that one user may fill
  std::uint64_t max_journal_bytes = 8ull << 30;
  std::chrono::milliseconds idempotency_window{std::chrono::minutes{10}};
  std::chrono::milliseconds store_timeout{5'000};  // for reads; a query answers without the store after it
  bool session_queries = true;                     // a session_id in a query tags its results
};

// As they are now, for whoever is not on a shard.
using LiveOptions = Snapshot<Options>;

using metrics::kMessageOverhead;

struct Parts {
  std::shared_ptr<const Options> options;
  const Clock& clock;
  store::MemoryStore& store;
  runtime::BlockingPool& store_pool;
  flush::FlushWorkers& flush;
  journal::Journal& journal;
  runtime::BlockingPool& compute;  // for what would hold a shard up
  flush::DeadLetters& dead_letters;
  const text::Embedder& embedder;
  const text::TokenCounter& tokens;
  memory::Pressure& pressure;
  embedding::RemoteEmbedder* remote = nullptr;  // makes the vectors where the embedder is deferred
};

// The round under this LSN (0: not known yet).
buffer::BufferedRound to_buffered(Round round, Lsn lsn);

}  // namespace holdfast::engine
