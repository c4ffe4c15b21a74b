// What makes a cached answer exact: a stretch of a user's time in which the corpus statistics that score his
// items stand still, and the log of what changed in it.
//
// Within an epoch the score of an item for a query is a function of the two alone: the number of documents
// and their length are those of the epoch's first search, the document frequency of a term that of the first
// search that used the term. Every search of the epoch takes them from here, answered from the cache or not,
// so clearing the cache of answers changes no score, and flushing changes nothing at all. A cached answer
// becomes the fresh one by scoring only the items that changed since.
//
// A message is scored with those before it in its session (text/scorer.hpp). So a new one changes no other's
// score, but an update or erasure changes those of the two after it. Where these are buffered, or are not
// there at all, their ids are logged with its own. Elsewhere it ends the epoch, and all of the user's cached
// answers with it; so does an older message that comes late. Knowledge stands alone: its updates and erasures
// are logged.
//
// What is approximate: the statistics lag behind by up to a tenth of the user's items, and those of two terms
// may have been taken at two moments of the epoch. A restart begins new epochs: the same query may then
// score otherwise than before it.
//
// Limits. An epoch ends after changes to a tenth of the user's items, at the earliest after kFewestChanges
// and at the latest after kMostChanges, or when it knows kMostTerms terms; so the log is bounded too. A user
// who asks nothing keeps nothing here. One shard's thread.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "holdfast/text/frozen_stats.hpp"
#include "holdfast/text/scorer.hpp"

namespace holdfast::cache {

class Epoch {
 public:
  static constexpr std::size_t kFewestChanges = 8;
  static constexpr std::size_t kMostChanges = 64;
  static constexpr std::size_t kMostTerms = 2048;

  // Numbers never repeat within a process.
  void restart(std::uint64_t number);
  std::uint64_t number() const { return number_; }

  // An item was written, or changed in a way that concerns its own score alone. False: the epoch is over, the
  // caller restarts it.
  [[nodiscard]] bool note_change(std::string_view id);

  // From now on changes are logged: a search begins whose answer may be kept.
  void watch() { watched_ = true; }
  // Of the log; what a search that begins now has seen.
  std::size_t position() const { return changed_.size(); }
  // Ids that changed since, with repeats; valid until the next change.
  std::span<const std::string> changed_since(std::size_t position) const {
    return std::span(changed_).subspan(position);
  }

  text::FrozenStats frozen(std::span<const std::string> terms) const;
  std::size_t terms() const { return document_frequency_.size(); }  // that it knows
  // Knows kMostTerms terms: the caller restarts it before it searches.
  bool full() const { return document_frequency_.size() >= kMostTerms; }
  // Keeps the statistics a search was made with, as far as none are known. False when they are not the
  // epoch's (two searches at a time took the same term at two moments) or are too many (kMostTerms): the
  // answer holds, but is not to be kept.
  [[nodiscard]] bool adopt(std::span<const std::string> terms, const text::CorpusStats& used);

 private:
  std::uint64_t number_ = 0;
  bool watched_ = false;
  std::vector<std::string> changed_;
  std::optional<text::FrozenStats::Size> size_;
  std::unordered_map<std::string, std::uint64_t> document_frequency_;
};

}  // namespace holdfast::cache
