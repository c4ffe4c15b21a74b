#include "holdfast/text/scorer.hpp"

#include <algorithm>
#include <cmath>

namespace holdfast::text {
namespace {

constexpr double kK1 = 1.2;
constexpr double kB = 0.75;

double idf(std::uint64_t documents, std::uint64_t frequency) {
  // Two sources may both count an item that is moving between them; then df may pass N for a moment.
  const double n = static_cast<double>(std::max(documents, frequency));
  const double df = static_cast<double>(frequency);
  return std::log(1.0 + (n - df + 0.5) / (df + 0.5));
}

}  // namespace

CorpusStats& CorpusStats::operator+=(const CorpusStats& other) {
  documents += other.documents;
  total_length += other.total_length;
  if (document_frequency.size() < other.document_frequency.size()) {
    document_frequency.resize(other.document_frequency.size());
  }
  for (std::size_t i = 0; i < other.document_frequency.size(); ++i) {
    document_frequency[i] += other.document_frequency[i];
  }
  return *this;
}

PreparedQuery prepare_query(std::string_view text, const Embedder& embedder) {
  PreparedQuery query;
  const AnalysedText analysed(text);
  for (const auto term : analysed.terms()) {
    if (std::find(query.terms.begin(), query.terms.end(), term) == query.terms.end())
      query.terms.emplace_back(term);
  }
  query.vector = embedder.embed(analysed);
  return query;
}

std::vector<std::uint32_t> term_frequencies(const PreparedQuery& query, const Terms& document_terms) {
  std::vector<std::uint32_t> frequencies(query.terms.size());
  for (const auto term : document_terms) {
    for (std::size_t i = 0; i < query.terms.size(); ++i)
      // Most differ in their first letter, and comparing the rest is a call.
      frequencies[i] += query.terms[i][0] == term[0] && query.terms[i] == term;
  }
  return frequencies;
}

Scorer::Scorer(const PreparedQuery& query, const CorpusStats& stats, SourceFilter filter,
               ChunkStrategy strategy)
    : windows_(strategy == ChunkStrategy::contextual && filter != SourceFilter::keyword) {
  switch (filter) {
    case SourceFilter::all:
      keyword_weight_ = kKeywordWeight, similarity_weight_ = 1 - kKeywordWeight;
      words_in_context_ = true;
      break;
    case SourceFilter::keyword:
      keyword_weight_ = 1;
      break;
    case SourceFilter::vector:
      similarity_weight_ = 1;
      break;
    case SourceFilter::graph:
      break;
  }
  mean_length_ =
      stats.documents == 0
          ? 1.0
          : std::max(1.0, static_cast<double>(stats.total_length) / static_cast<double>(stats.documents));
  for (std::size_t i = 0; i < query.terms.size(); ++i) {
    const auto frequency = i < stats.document_frequency.size() ? stats.document_frequency[i] : 0;
    idf_.push_back(idf(stats.documents, frequency));
    most_ += idf_.back() * (kK1 + 1);
  }
}

double Scorer::keyword(std::span<const std::uint32_t> frequencies, std::uint64_t document_length) const {
  if (most_ <= 0) return 0;
  const double norm = kK1 * (1 - kB + kB * static_cast<double>(document_length) / mean_length_);
  double sum = 0;
  for (std::size_t i = 0; i < frequencies.size() && i < idf_.size(); ++i) {
    const double tf = frequencies[i];
    sum += idf_[i] * tf * (kK1 + 1) / (tf + norm);
  }
  return std::min(1.0, sum / most_);
}

JoinedParts Scorer::in_context(const OwnParts& own, const PartsBefore& before) const {
  JoinedParts joined{own.keyword, own.similarity.value_or(0)};
  if (words_in_context_) joined.keyword = keyword_in_context(own.keyword, before);
  if (windows_ && own.similarity) joined.similarity = window_similarity(*own.similarity, before);
  return joined;
}

double Scorer::keyword_in_context(double own, const PartsBefore& before) const {
  double missing = 1 - own;
  for (std::size_t i = 0; i < before.size(); ++i) missing *= 1 - kContextWeights[i] * before[i].keyword;
  // Not 1 - missing where nothing is before: an item by itself has its own part to the last bit.
  return own + (1 - own - missing);
}

double Scorer::window_similarity(double own, const PartsBefore& before) const {
  double sum = own, weight = 1;
  for (std::size_t i = 0; i < before.size(); ++i) {
    if (!before[i].similarity) continue;
    sum += kContextWeights[i] * *before[i].similarity;
    weight += kContextWeights[i];
  }
  return sum / weight;
}

double Scorer::combine(double keyword_part, double similarity_part) const {
  return keyword_weight_ * keyword_part + similarity_weight_ * similarity_part;
}

bool Scorer::is_result(double keyword_part, double similarity_part) const {
  return keyword_weight_ * keyword_part > 0 ||
         (similarity_weight_ > 0 && similarity_part >= kLeastSimilarity);
}

}  // namespace holdfast::text
