// Answers to queries that were asked before, for the users of one shard. Exact hits only: the same normalised
// text and everything else that changes the result. Used on the shard's thread.
//
// Never stale: an entry carries the user's write version at which its search began; find() with another
// version drops it. So the caller reads the version before it searches, and every write of the user changes
// it.
//
// One entry serves every top_k up to results_per_entry: the caller searches for that many and cuts the
// answer.
//
// Limits. Entries and bytes, both this shard's share; the least recently used goes first. ttl is an absolute
// age.
#pragma once

#include <cstdint>
#include <list>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "holdfast/base/clock.hpp"
#include "holdfast/cache/options.hpp"
#include "holdfast/metrics/probes.hpp"
#include "holdfast/model/types.hpp"

namespace holdfast::cache {

class QueryCache {
 public:
  // options: this shard's share. probe must outlive the cache.
  QueryCache(const Options& options, metrics::ShardProbe& probe) : options_(options), probe_(probe) {}

  // The results, best first, or nothing. Valid until the next call. A query that can't be cached (top_k <= 0
  // or larger than results_per_entry) counts as bypassed.
  const std::vector<ScoredResult>* find(const Query& query, std::uint64_t user_version, SteadyTime now);

  void insert(const Query& query, std::uint64_t user_version, SteadyTime now,
              std::vector<ScoredResult> results);
  void erase_user(std::string_view user_id);
  void clear();
  void reconfigure(const Options& options);  // this shard's share; forgets everything

  bool caches(const Query& query) const;
  std::size_t entries() const { return by_use_.size(); }
  std::size_t bytes() const { return bytes_; }

 private:
  struct Entry {
    std::string key;
    std::string user_id;
    std::uint64_t version = 0;
    SteadyTime inserted{};
    std::vector<ScoredResult> results;
    std::size_t bytes = 0;
  };
  using Place = std::list<Entry>::iterator;

  void drop(Place place);
  void publish();

  Options options_;
  metrics::ShardProbe& probe_;
  std::list<Entry> by_use_;                             // most recently used first
  std::unordered_map<std::string_view, Place> by_key_;  // views of Entry::key
  std::size_t bytes_ = 0;
};

// What identifies an entry. Case and white space are folded because neither the index terms nor the vectors
// of a text depend on them.
std::string cache_key(const Query& query);

}  // namespace holdfast::cache
