#include "holdfast/cache/query_cache.hpp"

#include <utility>

#include "holdfast/base/bytes.hpp"

namespace holdfast::cache {
namespace {

bool is_space(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

std::string fold(std::string_view text) {
  std::string folded;
  folded.reserve(text.size());
  for (const char c : text) {
    if (is_space(c)) {
      if (!folded.empty() && folded.back() != ' ') folded += ' ';
    } else {
      folded += c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    }
  }
  if (!folded.empty() && folded.back() == ' ') folded.pop_back();
  return folded;
}

std::size_t bytes_of(const ScoredResult& result) {
  return sizeof(ScoredResult) + result.id.size() + result.content.size() + result.user_id.size() +
         result.agent_id.size() + result.session_id.size() + result.session_name.size();
}

}  // namespace

std::string cache_key(const Query& query) {
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
  out.text(fold(query.text));
  return key;
}

bool QueryCache::caches(const Query& query) const {
  return options_.ttl.count() > 0 && query.top_k > 0 &&
         static_cast<std::uint64_t>(query.top_k) <= options_.results_per_entry;
}

const std::vector<ScoredResult>* QueryCache::find(const Query& query, std::uint64_t user_version,
                                                  SteadyTime now) {
  if (!caches(query)) {
    probe_.cache[metrics::CacheOutcome::bypassed].add();
    return nullptr;
  }
  const auto key = cache_key(query);
  const auto found = by_key_.find(key);
  if (found != by_key_.end()) {
    const auto place = found->second;
    const bool outdated = place->version != user_version;
    if (!outdated && now - place->inserted < options_.ttl) {
      probe_.cache[metrics::CacheOutcome::hit].add();
      by_use_.splice(by_use_.begin(), by_use_, place);
      return &place->results;
    }
    (outdated ? probe_.cache_outdated : probe_.cache_expired).add();
    drop(place);
    publish();
  }
  probe_.cache[metrics::CacheOutcome::miss].add();
  return nullptr;
}

void QueryCache::insert(const Query& query, std::uint64_t user_version, SteadyTime now,
                        std::vector<ScoredResult> results) {
  if (!caches(query)) return;
  Entry entry{cache_key(query), query.user_id, user_version, now, std::move(results), 0};
  entry.bytes = sizeof(Entry) + entry.key.size() + entry.user_id.size();
  for (const auto& result : entry.results) entry.bytes += bytes_of(result);
  if (const auto known = by_key_.find(entry.key); known != by_key_.end()) drop(known->second);
  if (entry.bytes <= options_.max_bytes) {
    bytes_ += entry.bytes;
    by_use_.push_front(std::move(entry));
    by_key_.emplace(by_use_.front().key, by_use_.begin());
  }
  while (by_use_.size() > options_.entries || bytes_ > options_.max_bytes) {
    probe_.cache_evicted.add();
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
  clear();
}

void QueryCache::clear() {
  by_key_.clear();
  by_use_.clear();
  bytes_ = 0;
  publish();
}

void QueryCache::drop(Place place) {
  bytes_ -= place->bytes;
  by_key_.erase(place->key);
  by_use_.erase(place);
}

void QueryCache::publish() {
  probe_.cache_entries.set(by_use_.size());
  probe_.cache_bytes.set(bytes_);
}

}  // namespace holdfast::cache
