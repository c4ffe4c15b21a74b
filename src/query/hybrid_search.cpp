#include "hybrid_search.hpp"

#include <algorithm>
#include <utility>

namespace holdfast::query {
namespace {

using metrics::Stage;

const text::Features& features_of(engine::UserState& user, const Message& message,
                                  const engine::Parts& parts) {
  const auto known = user.features.find(message.id);
  if (known != user.features.end()) return known->second;
  return user.features
      .emplace(message.id,
               text::extract_features(message.content, parts.embedder, parts.options->flush.chunking))
      .first->second;
}

ScoredResult to_result(const engine::SessionState& session, Stage stage, const Message& message) {
  ScoredResult result;
  result.type = ItemType::message;
  result.id = message.id;
  result.content = message.content;
  result.role = message.role;
  result.created_at = message.created_at;
  result.updated_at = message.updated_at;
  result.user_id = session.session.user_id;
  result.agent_id = session.session.agent_id;
  result.session_id = session.session.id;
  result.session_name = session.session.name;
  result.source = metrics::to_string(stage);
  return result;
}

void count_into(text::CorpusStats& stats, std::uint64_t length,
                const std::vector<std::uint32_t>& frequencies) {
  ++stats.documents;
  stats.total_length += length;
  for (std::size_t i = 0; i < frequencies.size(); ++i) stats.document_frequency[i] += frequencies[i] > 0;
}

}  // namespace

BufferSnapshot search_buffers(engine::UserShard& shard, engine::UserState& user, const Query& query,
                              const text::PreparedQuery& prepared) {
  BufferSnapshot snapshot;
  snapshot.stats.document_frequency.assign(prepared.terms.size(), 0);
  for (const auto* session : user.sessions) {
    const bool wanted = query.include_messages && query.source != SourceFilter::graph &&
                        (!query.agent_id || *query.agent_id == session->session.agent_id);
    session->buffer.for_each_erasure([&](std::string_view id) { snapshot.hidden.emplace(id); });
    session->buffer.for_each([&](Stage stage, const Message& message) {
      snapshot.hidden.insert(message.id);
      const auto& features = features_of(user, message, shard.parts);
      Candidate candidate;
      candidate.frequencies = text::term_frequencies(prepared, features.terms);
      candidate.length = features.terms.size();
      count_into(snapshot.stats, candidate.length, candidate.frequencies);
      if (!wanted) return;
      candidate.similarity = text::similarity_to_chunks(prepared.vector, features.vectors);
      candidate.result = to_result(*session, stage, message);
      snapshot.candidates.push_back(std::move(candidate));
    });
  }
  return snapshot;
}

std::vector<ScoredResult> merge_results(BufferSnapshot buffered, const text::Scorer& scorer,
                                        std::vector<ScoredResult> stored, std::size_t limit) {
  std::vector<ScoredResult> merged;
  for (auto& candidate : buffered.candidates) {
    auto& result = candidate.result;
    result.keyword = scorer.keyword(candidate.frequencies, candidate.length);
    result.similarity = candidate.similarity;
    result.score = scorer.combine(result.keyword, result.similarity);
    if (scorer.is_result(result.keyword, result.similarity)) merged.push_back(std::move(result));
  }
  for (auto& result : stored) {
    if (!buffered.hidden.contains(result.id)) merged.push_back(std::move(result));
  }
  const auto better = [](const ScoredResult& a, const ScoredResult& b) {
    return a.score != b.score ? a.score > b.score : a.id < b.id;
  };
  const auto kept = std::min(limit, merged.size());
  std::partial_sort(merged.begin(), merged.begin() + static_cast<std::ptrdiff_t>(kept), merged.end(), better);
  merged.resize(kept);
  return merged;
}

}  // namespace holdfast::query
