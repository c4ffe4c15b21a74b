#include "holdfast/cache/query_cache.hpp"

#include <algorithm>
#include <unordered_set>
#include <utility>

#include "holdfast/base/bytes.hpp"
#include "holdfast/text/words.hpp"

namespace holdfast::cache {
namespace {

std::string joined_words(std::string_view text) {
  std::string joined;
  for (const auto& word : text::split_words(text)) {
    if (!joined.empty()) joined += ' ';
    joined += word.text;
  }
  return joined;
}

// User and filters.
std::string scope_of(const Query& query) {
  std::string key;
  ByteWriter out(key);
  out.text(query.user_id);
  out.integer(static_cast<std::uint8_t>(query.session_id.has_value()));
  out.text(query.session_id.value_or(""));
  out.integer(static_cast<std::uint8_t>(query.agent_id.has_value()));
  out.text(query.agent_id.value_or(""));
  out.integer(static_cast<std::uint8_t>(query.source));
  out.integer(static_cast<std::uint8_t>(query.include_messages));
  out.integer(static_cast<std::uint8_t>(query.include_knowledge));
  return key;
}

std::size_t bytes_of(const ScoredResult& result) {
  return sizeof(ScoredResult) + result.id.size() + result.content.size() + result.user_id.size() +
         result.agent_id.size() + result.session_id.size() + result.session_name.size();
}

std::size_t bytes_of(const std::vector<std::string>& texts) {
  std::size_t bytes = 0;
  for (const auto& text : texts) bytes += sizeof(std::string) + text.size();
  return bytes;
}

std::size_t bytes_of(const QueryWords& words) {
  return bytes_of(words.words) + bytes_of(words.deciding) + bytes_of(words.names) + words.stems.size();
}

std::size_t bytes_of(const CachedAnswer& answer) {
  std::size_t bytes =
      sizeof(text::PreparedQuery) + bytes_of(answer.query->terms) + answer.query->vector.size();
  for (const auto& result : answer.results) bytes += bytes_of(result);
  return bytes;
}

bool comes_before(double score, std::string_view id, double other_score, std::string_view other_id) {
  return score != other_score ? score > other_score : id < other_id;
}

}  // namespace

CachedAnswer answer_of(std::uint64_t epoch, std::size_t position,
                       std::shared_ptr<const text::PreparedQuery> query, std::vector<ScoredResult> results,
                       std::size_t limit) {
  CachedAnswer answer{epoch, position, std::move(query), std::move(results), std::nullopt};
  if (answer.results.size() >= limit) {
    answer.floor = CachedAnswer::Rank{answer.results.back().score, answer.results.back().id};
  }
  return answer;
}

void merge(CachedAnswer& answer, std::span<const std::string> changed, std::vector<ScoredResult> scored,
           std::size_t limit) {
  const std::unordered_set<std::string_view> gone(changed.begin(), changed.end());
  auto& results = answer.results;
  std::erase_if(results, [&](const ScoredResult& result) { return gone.contains(result.id); });
  for (auto& result : scored) {
    const auto& floor = answer.floor;
    if (floor && comes_before(floor->score, floor->id, result.score, result.id)) continue;
    results.push_back(std::move(result));
  }
  std::sort(results.begin(), results.end(), [](const ScoredResult& a, const ScoredResult& b) {
    return comes_before(a.score, a.id, b.score, b.id);
  });
  if (results.size() > limit) {
    results.resize(limit);
    answer.floor = CachedAnswer::Rank{results.back().score, results.back().id};
  }
}

// The index terms of a text depend on its words alone, and so does a vector of the built-in embedder.
std::string QueryCache::key(const Query& query) const {
  auto key = scope_of(query);
  ByteWriter out(key);
  out.text(options_.sentence_vectors ? query.text : joined_words(query.text));
  return key;
}

std::string QueryCache::similar_key(const Query& query, const QueryWords& words) const {
  auto key = scope_of(query);
  ByteWriter out(key);
  if (!options_.sentence_vectors && !options_.any_words) out.text(words.stems);
  return key;
}

bool QueryCache::caches(const Query& query) const {
  return options_.ttl.count() > 0 && query.top_k > 0 &&
         static_cast<std::uint64_t>(query.top_k) <= options_.results_per_entry;
}

bool QueryCache::drop_if_old(Place place, std::uint64_t epoch, SteadyTime now) {
  const bool outdated = place->answer.epoch != epoch;
  if (!outdated && now - place->inserted < options_.ttl) return false;
  (outdated ? probe_.outdated : probe_.expired).add();
  drop(place);
  publish();
  return true;
}

std::optional<QueryCache::Found> QueryCache::find(const Query& query, std::uint64_t epoch, SteadyTime now) {
  const auto found = by_key_.find(key(query));
  if (found == by_key_.end()) return std::nullopt;
  const auto place = found->second;
  if (drop_if_old(place, epoch, now)) return std::nullopt;
  by_use_.splice(by_use_.begin(), by_use_, place);
  return Found{place->key, place->answer};
}

std::optional<QueryCache::Found> QueryCache::find_similar(const Query& query, const QueryWords& words,
                                                          const text::Embedding& vector, std::uint64_t epoch,
                                                          SteadyTime now) {
  const auto found = by_similar_key_.find(similar_key(query, words));
  if (found == by_similar_key_.end()) return std::nullopt;
  const auto compared = std::min(found->second.size(), kMostCompared);
  // A copy: dropping an old entry changes the list.
  const std::vector<Place> places(found->second.end() - static_cast<std::ptrdiff_t>(compared),
                                  found->second.end());
  std::optional<Place> best;
  double best_similarity = control_.threshold();
  for (const auto place : places) {
    if (drop_if_old(place, epoch, now)) continue;
    if (!options_.any_words && !may_share_answer(words, place->words, !options_.sentence_vectors)) continue;
    const auto similarity = text::similarity(vector, place->answer.query->vector);
    if (similarity < best_similarity) continue;
    best = place;
    best_similarity = similarity;
  }
  if (!best) return std::nullopt;
  by_use_.splice(by_use_.begin(), by_use_, *best);
  return Found{(*best)->key, (*best)->answer};
}

void QueryCache::insert(const Query& query, QueryWords words, CachedAnswer answer, SteadyTime now) {
  if (!caches(query) || share_ < 1) return;
  auto similar = similar_key(query, words);
  Entry entry{key(query), std::move(similar), query.user_id, now, std::move(words), std::move(answer), 0};
  entry.bytes = sizeof(Entry) + entry.key.size() + 2 * entry.similar_key.size() + entry.user_id.size() +
                bytes_of(entry.words) + bytes_of(entry.answer);
  if (const auto known = by_key_.find(entry.key); known != by_key_.end()) drop(known->second);
  if (entry.bytes <= options_.max_bytes) {
    resized(entry.user_id, 0, entry.bytes);
    by_use_.push_front(std::move(entry));
    const auto place = by_use_.begin();
    by_key_.emplace(place->key, place);
    by_similar_key_[place->similar_key].push_back(place);
  }
  make_room();
}

void QueryCache::update(const std::string& key, CachedAnswer answer) {
  const auto found = by_key_.find(key);
  if (found == by_key_.end()) return;
  auto& entry = *found->second;
  if (entry.answer.epoch != answer.epoch || entry.answer.position > answer.position) return;
  const auto before = bytes_of(entry.answer);
  entry.answer = std::move(answer);
  const auto after = bytes_of(entry.answer);
  const auto bytes = entry.bytes + after - before;
  resized(entry.user_id, entry.bytes, bytes);
  entry.bytes = bytes;
  make_room();
}

void QueryCache::erase(const std::string& key) {
  const auto found = by_key_.find(key);
  if (found == by_key_.end()) return;
  probe_.outdated.add();
  drop(found->second);
  publish();
}

void QueryCache::make_room() {
  const auto entries = share_of(options_.entries, share_), bytes = share_of(options_.max_bytes, share_);
  while (by_use_.size() > entries || bytes_ > bytes) {
    probe_.evicted.add();
    drop(std::prev(by_use_.end()));
  }
  publish();
}

void QueryCache::erase_user(std::string_view user_id) {
  for (auto place = by_use_.begin(); place != by_use_.end();) {
    const auto next = std::next(place);
    if (place->user_id == user_id) drop(place);
    place = next;
  }
  publish();
}

void QueryCache::reconfigure(const Options& options) {
  options_ = options;
  control_.reconfigure(options);
  clear();
}

std::size_t QueryCache::limit_to(double share) {
  const auto before = bytes_;
  share_ = share;
  make_room();
  return before - bytes_;
}

void QueryCache::clear() {
  by_key_.clear();
  by_similar_key_.clear();
  by_use_.clear();
  bytes_by_user_.clear();
  bytes_ = 0;
  publish();
}

std::size_t QueryCache::bytes_of_user(std::string_view user_id) const {
  const auto found = bytes_by_user_.find(user_id);
  return found == bytes_by_user_.end() ? 0 : found->second;
}

void QueryCache::resized(const std::string& user_id, std::size_t from, std::size_t to) {
  bytes_ = bytes_ - from + to;
  auto& bytes = bytes_by_user_[user_id];
  bytes = bytes - from + to;
  if (bytes == 0) bytes_by_user_.erase(user_id);
}

void QueryCache::drop(Place place) {
  resized(place->user_id, place->bytes, 0);
  by_key_.erase(place->key);
  const auto similar = by_similar_key_.find(place->similar_key);
  std::erase(similar->second, place);
  if (similar->second.empty()) by_similar_key_.erase(similar);
  by_use_.erase(place);
}

void QueryCache::publish() {
  probe_.entries.set(by_use_.size());
  probe_.bytes.set(bytes_);
}

}  // namespace holdfast::cache
