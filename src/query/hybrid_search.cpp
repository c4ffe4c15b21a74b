#include "hybrid_search.hpp"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "keep_first.hpp"

namespace holdfast::query {
namespace {

using metrics::Stage;

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

// A candidate with its score.
struct Match {
  Candidate* candidate;
  text::JoinedParts parts;
  double score;
};

ScoredResult to_result(const Session& session, const Match& match) {
  auto& candidate = *match.candidate;
  ScoredResult result;
  result.type = ItemType::message;
  result.id = std::move(candidate.id);
  result.content = std::move(candidate.content);
  result.score = match.score;
  result.keyword = match.parts.keyword;
  result.similarity = match.parts.similarity;
  result.role = candidate.role;
  result.created_at = candidate.created_at;
  result.updated_at = candidate.updated_at;
  result.user_id = session.user_id;
  result.agent_id = session.agent_id;
  result.session_id = session.id;
  result.session_name = session.name;
  result.source = metrics::to_string(candidate.stage);
  return result;
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
      candidate.id = message.id;
      candidate.content = message.content;
      candidate.role = message.role;
      candidate.created_at = message.created_at;
      candidate.updated_at = message.updated_at;
      candidate.stage = stage;
      candidate.border = snapshot.borders.size();
      candidate.seq = message.seq;
      snapshot.candidates.push_back(std::move(candidate));
    });
    border.wanted = not_buffered(counting, border.buffered);
    snapshot.borders.push_back(std::move(border));
    snapshot.sessions.push_back(session->session);
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
  std::vector<Match> matches;
  for (auto& candidate : buffered.candidates) {
    const auto joined = in_context(parts[candidate.border], candidate.seq, scorer);
    if (scorer.is_result(joined.keyword, joined.similarity))
      matches.push_back({&candidate, joined, scorer.combine(joined.keyword, joined.similarity)});
  }
  keep_first(matches, limit, [](const Match& a, const Match& b) {
    return a.score != b.score ? a.score > b.score : a.candidate->id < b.candidate->id;
  });
  std::vector<ScoredResult> merged;
  for (const auto& match : matches)
    merged.push_back(to_result(buffered.sessions[match.candidate->border], match));
  for (auto& result : stored.results) {
    if (!buffered.hidden.contains(result.id)) merged.push_back(std::move(result));
  }
  keep_first(merged, limit, [](const ScoredResult& a, const ScoredResult& b) {
    return a.score != b.score ? a.score > b.score : a.id < b.id;
  });
  return merged;
}

}  // namespace holdfast::query
