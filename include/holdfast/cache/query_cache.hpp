// Answers to queries that were asked before, for the users of one shard. Used on the shard's thread.
//
// Exact hits: the same normalised text and everything else that changes the result. Similar hits: the same
// user and filters, words that may share an answer (query_words.hpp), and a cosine similarity of at least the
// working threshold (similarity_control.hpp). A similar hit is the exact answer to the other query.
//
// Never stale. An answer belongs to an epoch of its user (epoch.hpp) and to a position in the epoch's log;
// find() gives none of another epoch. For what changed since the position the caller brings the answer up to
// date: it takes the changed items out, scores them as they are now and merge()s them. That is what a fresh
// search would find: the scores of all other items are fixed within the epoch, those that were not kept rank
// behind the floor, and whatever ranks behind the floor is left out. If fewer results are left than were
// asked for, the caller searches anew.
//
// One entry serves every top_k up to results_per_entry: the caller searches for that many and cuts the
// answer.
//
// Limits. Entries and bytes, both this shard's share; the least recently used goes first. ttl is an absolute
// age: bringing an answer up to date does not make it younger. At most kMostCompared entries are compared for
// a similar hit, the latest first.
#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "holdfast/base/clock.hpp"
#include "holdfast/cache/options.hpp"
#include "holdfast/cache/query_words.hpp"
#include "holdfast/cache/similarity_control.hpp"
#include "holdfast/metrics/probes.hpp"
#include "holdfast/model/types.hpp"
#include "holdfast/text/scorer.hpp"

namespace holdfast::cache {

struct CachedAnswer {
  std::uint64_t epoch = 0;
  std::size_t position = 0;  // in the epoch's log
  std::shared_ptr<const text::PreparedQuery> query;
  std::vector<ScoredResult> results;  // best first
  // The last result that was kept, where more might have been found: what is not among the results ranks
  // behind it. None: the results are all there are.
  struct Rank {
    double score = 0;
    std::string id;
  };
  std::optional<Rank> floor;

  // Whether the first so many results are known (or all, where there are fewer).
  bool knows(std::size_t wanted) const { return !floor || results.size() >= wanted; }
};

// The answer of a search for at most limit results.
CachedAnswer answer_of(std::uint64_t epoch, std::size_t position,
                       std::shared_ptr<const text::PreparedQuery> query, std::vector<ScoredResult> results,
                       std::size_t limit);

// Puts the changed items, scored as they are now, in place of what the answer held of them; at most limit
// results are kept.
void merge(CachedAnswer& answer, std::span<const std::string> changed, std::vector<ScoredResult> scored,
           std::size_t limit);

class QueryCache {
 public:
  static constexpr std::size_t kMostCompared = 64;

  // options: this shard's share. probe must outlive the cache.
  QueryCache(const Options& options, metrics::AnswerCacheProbe& probe)
      : options_(options), probe_(probe), control_(options, probe) {}

  struct Found {  // in the cache: until its next call
    const std::string& key;
    const CachedAnswer& answer;
  };
  std::optional<Found> find(const Query& query, std::uint64_t epoch, SteadyTime now);
  std::optional<Found> find_similar(const Query& query, const QueryWords& words,
                                    const text::Embedding& vector, std::uint64_t epoch, SteadyTime now);

  void insert(const Query& query, QueryWords words, CachedAnswer answer, SteadyTime now);
  // The entry of this key brought up to date; nothing happens when it is gone, or newer than this.
  void update(const std::string& key, CachedAnswer answer);
  void erase(const std::string& key);  // counts as outdated
  void erase_user(std::string_view user_id);
  void clear();
  void reconfigure(const Options& options);  // this shard's share; forgets everything
  // So much of the limits (0…1) from now on, and below 1 nothing new: memory is short. Answers how many bytes
  // that gave back.
  std::size_t limit_to(double share);

  // Whether the cache takes part: top_k is 1…results_per_entry, and it is not switched off.
  bool caches(const Query& query) const;
  std::string key(const Query& query) const;
  SimilarityControl& control() { return control_; }
  std::size_t entries() const { return by_use_.size(); }
  std::size_t bytes() const { return bytes_; }
  std::size_t bytes_of_user(std::string_view user_id) const;

 private:
  struct Entry {
    std::string key;
    std::string similar_key;  // of those it may be similar to
    std::string user_id;
    SteadyTime inserted{};
    QueryWords words;
    CachedAnswer answer;
    std::size_t bytes = 0;
  };
  using Place = std::list<Entry>::iterator;

  std::string similar_key(const Query& query, const QueryWords& words) const;
  bool drop_if_old(Place place, std::uint64_t epoch, SteadyTime now);
  void make_room();
  void drop(Place place);
  // An entry of that user takes other bytes now; 0: there is none.
  void resized(const std::string& user_id, std::size_t from, std::size_t to);
  void publish();

  Options options_;
  double share_ = 1;  // of the limits in options_
  metrics::AnswerCacheProbe& probe_;
  SimilarityControl control_;
  std::list<Entry> by_use_;                                             // most recently used first
  std::unordered_map<std::string_view, Place> by_key_;                  // views of Entry::key
  std::unordered_map<std::string, std::vector<Place>> by_similar_key_;  // oldest first
  std::size_t bytes_ = 0;
  std::map<std::string, std::size_t, std::less<>> bytes_by_user_;
};

}  // namespace holdfast::cache
