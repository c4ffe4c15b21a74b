#pragma once

#include <chrono>
#include <cstddef>

#include "holdfast/text/chunker.hpp"

namespace holdfast::flush {

struct Options {
  unsigned workers = 3;          // max_flush_workers, 1…64
  std::size_t queue_size = 100;  // max_flush_queue_size, batches, 1…100000
  std::chrono::milliseconds flush_timeout{
      30'000};                            // 5…300 s: a store write slower than this counts as failing
  std::size_t batch_write_threshold = 5;  // batches of different sessions written together, at least tried
  unsigned retry_attempts = 3;            // fast retries, retry_delay apart (doubling), before the slow ones
  std::chrono::milliseconds retry_delay{1000};
  std::chrono::milliseconds max_retry_delay{30'000};
  text::ChunkOptions chunking;  // of messages and knowledge, wherever their vectors are made
};

}  // namespace holdfast::flush
