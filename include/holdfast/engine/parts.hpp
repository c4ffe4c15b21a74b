// What all shards share. Built by the daemon, outlives the shards. Everything here is thread-safe or
// constant.
#pragma once

#include <chrono>
#include <cstddef>

#include "holdfast/base/clock.hpp"
#include "holdfast/buffer/options.hpp"
#include "holdfast/cache/options.hpp"
#include "holdfast/flush/flush_workers.hpp"
#include "holdfast/flush/options.hpp"
#include "holdfast/journal/journal.hpp"
#include "holdfast/runtime/blocking_pool.hpp"
#include "holdfast/store/memory_store.hpp"
#include "holdfast/text/embedder.hpp"
#include "holdfast/text/tokenizer.hpp"

namespace holdfast::engine {

enum class Mode { buffer, bypass };

struct Options {
  Mode mode = Mode::buffer;
  buffer::Options buffer;
  flush::Options flush;
  cache::Options cache;                                         // of the whole process
  journal::Durability durability = journal::Durability::fsync;  // as the journal is configured
  std::size_t max_buffer_bytes = 512u << 20;                    // of the whole process
  std::chrono::milliseconds store_timeout{5'000};  // for reads; a query answers without the store after it
  bool session_queries = true;                     // a session_id in a query tags its results
};

struct Parts {
  const Options options;
  const Clock& clock;
  store::MemoryStore& store;
  runtime::BlockingPool& store_pool;
  flush::FlushWorkers& flush;
  journal::Journal& journal;
  const text::Embedder& embedder;
  text::TokenCounter tokens;
};

}  // namespace holdfast::engine
