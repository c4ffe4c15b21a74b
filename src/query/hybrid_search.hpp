// The search over what is buffered, and its union with the store's.
#pragma once

#include <string>
#include <vector>

#include "holdfast/engine/buffered_features.hpp"
#include "holdfast/engine/session_table.hpp"
#include "holdfast/engine/user_shard.hpp"
#include "holdfast/store/memory_store.hpp"
#include "holdfast/text/scorer.hpp"

namespace holdfast::query {

// A buffered message that a query may return, before the statistics of all sources are known.
struct Candidate {
  std::string id, content;
  Role role = Role::user;
  Timestamp created_at{}, updated_at{};
  metrics::Stage stage = metrics::Stage::round_buffer;
  std::size_t border = 0;  // its session's place in BufferSnapshot::borders and sessions
  std::uint64_t seq = 0;
};

// A user's buffers at one moment, as values.
struct BufferSnapshot {
  std::vector<Candidate> candidates;          // of what the query's filters let through
  text::CorpusStats stats;                    // of everything buffered, whatever the filters
  std::vector<store::SessionBorder> borders;  // of each session with such messages, with those before them
  std::vector<Session> sessions;              // of each of borders
  std::vector<std::string> erased;            // stored messages whose erasure waits
  engine::StringSet hidden;  // ids whose stored copy must not be returned: buffered here, or being erased
};

// only: of these messages alone, and what their scores need of those before them.
BufferSnapshot search_buffers(engine::UserShard& shard, engine::UserState& user, const Query& query,
                              const text::PreparedQuery& prepared, const engine::FeaturesForNow& for_now = {},
                              const engine::StringSet* only = nullptr);

// What the store is asked beside what the buffers hold; the statistics, the limit and `only` are the
// caller's.
store::StoreQuery store_query(const engine::UserShard& shard, const Query& query,
                              const text::PreparedQuery& prepared, const BufferSnapshot& buffered);

// Scores the candidates and joins them with the store's answer (an empty one when there is none): one entry
// per message, score descending then id, at most limit.
std::vector<ScoredResult> merge_results(BufferSnapshot buffered, const text::Scorer& scorer,
                                        store::StoreAnswer stored, std::size_t limit);

}  // namespace holdfast::query
