#include "hybrid_search.hpp"

#include <algorithm>
#include <array>
#include <unordered_map>
#include <unordered_set>
#include <utility>

namespace holdfast::query {
namespace {

using metrics::Stage;

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

// The places that count for the session's buffered messages, or for those of `only` among them: theirs, and
// those right before. Ascending.
std::vector<std::uint64_t> places_that_count(const engine::SessionState& session,
                                             const engine::StringSet* only) {
  std::vector<std::uint64_t> places;
  session.buffer.for_each([&](Stage, const Message& message) {
    if (only && !only->contains(message.id)) return;
    places.push_back(message.seq);
    for (std::uint64_t d = 1; d <= text::kContextWeights.size() && d < message.seq; ++d)
      places.push_back(message.seq - d);
  });
  std::sort(places.begin(), places.end());
  places.erase(std::unique(places.begin(), places.end()), places.end());
  return places;
}

std::vector<std::uint64_t> not_buffered(std::vector<std::uint64_t> places,
                                        const std::vector<store::SessionBorder::Buffered>& buffered) {
  std::unordered_set<std::uint64_t> here;
  for (const auto& message : buffered) here.insert(message.seq);
  std::erase_if(places, [&](std::uint64_t place) { return here.contains(place); });
  return places;
}

// Of the buffered messages of a session and of the stored ones before them, each by itself.
using PartsByPlace = std::unordered_map<std::uint64_t, text::OwnParts>;

PartsByPlace parts_by_place(const store::SessionBorder& border, const std::vector<text::OwnParts>& wanted,
                            const text::Scorer& scorer) {
  PartsByPlace parts;
  for (std::size_t i = 0; i < wanted.size(); ++i) parts[border.wanted[i]] = wanted[i];
  for (const auto& message : border.buffered)
    parts[message.seq] = {scorer.keyword(message.frequencies, message.length), message.similarity};
  return parts;
}

text::JoinedParts in_context(const PartsByPlace& parts, std::uint64_t seq, const text::Scorer& scorer) {
  text::PartsBefore before;
  for (std::size_t i = 0; i < before.size() && i + 1 < seq; ++i) {
    const auto known = parts.find(seq - i - 1);
    if (known != parts.end()) before[i] = known->second;
  }
  return scorer.in_context(parts.at(seq), before);
}

}  // namespace

BufferSnapshot search_buffers(engine::UserShard& shard, engine::UserState& user, const Query& query,
                              const text::PreparedQuery& prepared, const engine::FeaturesForNow& for_now,
                              const engine::StringSet* only) {
  BufferSnapshot snapshot;
  snapshot.stats.document_frequency.assign(prepared.terms.size(), 0);
  for (const auto* session : user.sessions) {
    const bool wanted = query.include_messages && query.source != SourceFilter::graph &&
                        (!query.agent_id || *query.agent_id == session->session.agent_id);
    session->buffer.for_each_erasure([&](std::string_view id) {
      if (!only || only->contains(id)) snapshot.hidden.emplace(id);
      snapshot.erased.emplace_back(id);
    });
    const auto counting = places_that_count(*session, only);
    if (counting.empty()) continue;
    store::SessionBorder border;
    border.session_id = session->session.id;
    session->buffer.for_each([&](Stage stage, const Message& message) {
      if (!std::binary_search(counting.begin(), counting.end(), message.seq)) return;
      const auto features = engine::features_of(shard, user, message, for_now);
      auto& own = border.buffered.emplace_back();
      own.seq = message.seq;
      own.frequencies = text::term_frequencies(prepared, features->terms);
      own.length = features->terms.size();
      if (!features->vectors.empty())
        own.similarity = text::similarity_to_chunks(prepared.vector, features->vectors);
      if (only && !only->contains(message.id)) return;
      snapshot.hidden.insert(message.id);
      if (features->vector_pending) engine::request_vector(shard, user, message);
      count_into(snapshot.stats, own.length, own.frequencies);
      if (!wanted) return;
      Candidate candidate;
      candidate.border = snapshot.borders.size();
      candidate.seq = message.seq;
      candidate.result = to_result(*session, stage, message);
      snapshot.candidates.push_back(std::move(candidate));
    });
    border.wanted = not_buffered(counting, border.buffered);
    snapshot.borders.push_back(std::move(border));
  }
  return snapshot;
}

store::StoreQuery store_query(const engine::UserShard& shard, const Query& query,
                              const text::PreparedQuery& prepared, const BufferSnapshot& buffered) {
  store::StoreQuery wanted;
  wanted.user_id = query.user_id;
  wanted.agent_id = query.agent_id;
  wanted.query = prepared;
  wanted.borders = buffered.borders;
  wanted.erased = buffered.erased;
  wanted.source = query.source;
  wanted.chunks = shard.parts.options->chunk_strategy;
  wanted.include_messages = query.include_messages;
  wanted.include_knowledge = query.include_knowledge;
  return wanted;
}

std::vector<ScoredResult> merge_results(BufferSnapshot buffered, const text::Scorer& scorer,
                                        store::StoreAnswer stored, std::size_t limit) {
  stored.wanted.resize(buffered.borders.size());  // empty when the store does not know the user
  std::vector<PartsByPlace> parts;
  for (std::size_t i = 0; i < buffered.borders.size(); ++i)
    parts.push_back(parts_by_place(buffered.borders[i], stored.wanted[i], scorer));
  std::vector<ScoredResult> merged;
  for (auto& candidate : buffered.candidates) {
    auto& result = candidate.result;
    const auto joined = in_context(parts[candidate.border], candidate.seq, scorer);
    result.keyword = joined.keyword;
    result.similarity = joined.similarity;
    result.score = scorer.combine(result.keyword, result.similarity);
    if (scorer.is_result(result.keyword, result.similarity)) merged.push_back(std::move(result));
  }
  for (auto& result : stored.results) {
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
