// The vectors of queries that a server made, by their texts, for one shard. Used on the shard's thread.
//
// A vector depends on the text and the model alone, and a process has one model: an entry is never outdated,
// whoever's query it was. Who may see an answer is not decided here.
//
// Limits: entries and bytes, both this shard's share; the least recently used goes first.
#pragma once

#include <cstddef>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "holdfast/cache/options.hpp"
#include "holdfast/metrics/probes.hpp"
#include "holdfast/text/embedder.hpp"

namespace holdfast::cache {

class EmbeddingCache {
 public:
  // options: this shard's share. probe must outlive the cache.
  EmbeddingCache(const EmbeddingCacheOptions& options, metrics::ShardProbe& probe)
      : options_(options), probe_(probe) {}

  // Counts as a hit or a miss.
  std::optional<text::Embedding> find(std::string_view text);
  void insert(std::string text, text::Embedding vector);
  // As QueryCache::limit_to().
  std::size_t limit_to(double share);

  std::size_t entries() const { return by_use_.size(); }
  std::size_t bytes() const { return bytes_; }

 private:
  struct Entry {
    std::string text;
    text::Embedding vector;
  };
  static std::size_t bytes_of(const Entry& entry);
  void make_room();

  const EmbeddingCacheOptions options_;
  double share_ = 1;  // of the limits in options_
  metrics::ShardProbe& probe_;
  std::list<Entry> by_use_;                                                   // most recently used first
  std::unordered_map<std::string_view, std::list<Entry>::iterator> by_text_;  // views of Entry::text
  std::size_t bytes_ = 0;
};

}  // namespace holdfast::cache
