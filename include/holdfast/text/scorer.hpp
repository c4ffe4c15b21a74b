// The one scoring formula, for buffered and stored items alike:
//   score = kKeywordWeight * keyword + (1 - kKeywordWeight) * similarity, each part 0…1.
// Of an item by itself, keyword is BM25 (Robertson & Zaragoza 2009, k1 and b below) divided by the most the
// query's terms could reach, sum of idf(t) * (k1 + 1); idf(t) = ln(1 + (N - df + 0.5) / (df + 0.5)).
//
// A turn of a conversation often answers words that only the turns before it hold ("What did you paint?" - "A
// lake at sunset."). So the keyword part of a message is joined with those of the messages before it in its
// session, as if each were an independent reason to return it (noisy or, Pearl 1988):
//   keyword = 1 - (1 - own) * product over d = 1, 2 of (1 - kContextWeights[d - 1] * own of the message at
//   seq - d).
//
// With contextual chunks similarity is that of the window of the message and those before it, whose vector is
// the weighted mean of theirs (unit vectors; 1, kContextWeights[0], kContextWeights[1]); so it is the same
// mean of their similarities. The window is put together when it is scored: nothing of a message is kept with
// another, each text is embedded once, and an update or erasure is in the windows at once. A message that has
// no vector itself has no window, and one before that has none is left out of the mean.
//
// Only earlier messages count: a new message changes no other's score. A message that is erased counts no
// more. Knowledge has no context.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "holdfast/model/types.hpp"
#include "holdfast/text/chunker.hpp"
#include "holdfast/text/features.hpp"

namespace holdfast::text {

// Chosen on real conversations (tests/text/locomo_recall.cpp prints the table); anything near is as good.
inline constexpr double kKeywordWeight = 0.8;
inline constexpr std::array<double, 2> kContextWeights{0.5, 0.25};

// An item that has no keyword part is a result only from this similarity on: unrelated texts agree a little
// by chance.
inline constexpr double kLeastSimilarity = 0.45;

// Statistics of one user's items over some sources. Those of different sources add up.
struct CorpusStats {
  std::uint64_t documents = 0;
  std::uint64_t total_length = 0;                 // terms over all documents
  std::vector<std::uint64_t> document_frequency;  // per distinct query term, in the query's order

  CorpusStats& operator+=(const CorpusStats& other);  // an empty document_frequency counts as zeros
};

// A query made ready: distinct terms in order of first appearance, and its vector.
struct PreparedQuery {
  std::vector<std::string> terms;
  Embedding vector;
};
PreparedQuery prepare_query(std::string_view text, const Embedder& embedder);

// How often each of the query's terms occurs in a document.
std::vector<std::uint32_t> term_frequencies(const PreparedQuery& query, const Terms& document_terms);

// Of an item by itself.
struct OwnParts {
  double keyword = 0;
  std::optional<double> similarity;  // none: it has no vector

  bool operator==(const OwnParts&) const = default;
};
using PartsBefore = std::array<OwnParts, kContextWeights.size()>;  // of the messages one, two before

// Joined with those before; what the score is made of.
struct JoinedParts {
  double keyword = 0;
  double similarity = 0;

  bool operator==(const JoinedParts&) const = default;
};

// Fixed for one query once the statistics of all sources are known. With SourceFilter::keyword or vector only
// that part counts (weight 1); graph scores nothing.
class Scorer {
 public:
  Scorer(const PreparedQuery& query, const CorpusStats& stats, SourceFilter filter,
         ChunkStrategy strategy = ChunkStrategy::message);
  // Of an item by itself, 0…1.
  double keyword(std::span<const std::uint32_t> frequencies, std::uint64_t document_length) const;
  // Where there is no message one, two before, before has empty parts. With a filter an item's words count by
  // themselves.
  JoinedParts in_context(const OwnParts& own, const PartsBefore& before) const;
  double combine(double keyword, double similarity) const;  // 0…1
  // Whether an item of these parts is a result at all.
  bool is_result(double keyword, double similarity) const;

 private:
  double keyword_in_context(double own, const PartsBefore& before) const;
  double window_similarity(double own, const PartsBefore& before) const;

  double keyword_weight_ = 0;
  double similarity_weight_ = 0;
  bool words_in_context_ = false;
  bool windows_ = false;
  double mean_length_ = 1;
  double most_ = 0;  // what the query's terms could reach
  std::vector<double> idf_;
};

}  // namespace holdfast::text
