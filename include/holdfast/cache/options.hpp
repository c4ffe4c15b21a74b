#pragma once

#include <chrono>
#include <cstddef>

namespace holdfast::cache {

struct EmbeddingCacheOptions {
  std::size_t entries = 4096;         // of the whole process
  std::size_t max_bytes = 16u << 20;  // likewise
};

struct Options {
  std::size_t entries = 100;               // cache_size: entries of the whole process, 10…100000
  std::size_t max_bytes = 64u << 20;       // of the whole process
  std::size_t results_per_entry = 15;      // max_size: a larger top_k is searched past the cache
  std::chrono::milliseconds ttl{300'000};  // absolute age limit; 0 switches the cache off
  double similarity_threshold = 0.95;      // the least similarity of a similar hit
  double max_error = 0.02;                 // the false-hit rate that the working threshold holds
  double verify_fraction = 0.02;           // of the similar hits that are searched for too
  // The embedder understands sentences (and sees case and punctuation): a rewording in other words may be a
  // similar hit. The built-in one does not: a similar hit has the same content words.
  bool sentence_vectors = false;
  bool any_words = false;            // similarity alone decides what is a similar hit
  EmbeddingCacheOptions embeddings;  // vectors of queries that a server made
};

// The query that may follow what was said last is predicted, and searched while the shard is idle.
struct SpeculationOptions {
  bool enabled = false;
  std::size_t entries = 1000;         // max_size: predicted queries, of the whole process
  std::size_t max_bytes = 16u << 20;  // of their answers, likewise
  std::size_t context_window = 5;     // a session's last messages, which predict
  double threshold = 0.7;             // prediction_threshold: the least similarity of a query that is served
  // Every hit is searched for too, and the threshold rises until Options::max_error holds.
  bool learn = true;
};

// What a share (0…1) leaves of a limit.
inline std::size_t share_of(std::size_t limit, double share) {
  return static_cast<std::size_t>(static_cast<double>(limit) * share);
}

}  // namespace holdfast::cache
