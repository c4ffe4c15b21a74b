// The search over what is buffered, and its union with the store's.
#pragma once

#include <string>
#include <vector>

#include "holdfast/engine/session_table.hpp"
#include "holdfast/engine/user_shard.hpp"
#include "holdfast/text/scorer.hpp"

namespace holdfast::query {

// A buffered message that a query may return, before the statistics of all sources are known.
struct Candidate {
  ScoredResult result;  // without scores
  std::vector<std::uint32_t> frequencies;
  std::uint64_t length = 0;  // terms
  double similarity = 0;
};

// A user's buffers at one moment, as values.
struct BufferSnapshot {
  std::vector<Candidate> candidates;  // of what the query's filters let through
  text::CorpusStats stats;            // of everything buffered, whatever the filters
  engine::StringSet hidden;  // ids whose stored copy must not be returned: buffered here, or being erased
};

BufferSnapshot search_buffers(engine::UserShard& shard, engine::UserState& user, const Query& query,
                              const text::PreparedQuery& prepared);

// Scores the candidates and joins them with the store's results: one entry per message, score descending then
// id, at most limit.
std::vector<ScoredResult> merge_results(BufferSnapshot buffered, const text::Scorer& scorer,
                                        std::vector<ScoredResult> stored, std::size_t limit);

}  // namespace holdfast::query
