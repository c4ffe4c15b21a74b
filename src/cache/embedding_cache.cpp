#include "holdfast/cache/embedding_cache.hpp"

#include <utility>

namespace holdfast::cache {

std::size_t EmbeddingCache::bytes_of(const Entry& entry) {
  return sizeof(Entry) + entry.text.size() + entry.vector.size();
}

std::optional<text::Embedding> EmbeddingCache::find(std::string_view text) {
  const auto found = by_text_.find(text);
  if (found == by_text_.end()) {
    probe_.embedding_cache_misses.add();
    return std::nullopt;
  }
  probe_.embedding_cache_hits.add();
  by_use_.splice(by_use_.begin(), by_use_, found->second);
  return found->second->vector;
}

void EmbeddingCache::insert(std::string text, text::Embedding vector) {
  if (by_text_.contains(text)) return;
  by_use_.push_front({std::move(text), std::move(vector)});
  by_text_.emplace(by_use_.front().text, by_use_.begin());
  bytes_ += bytes_of(by_use_.front());
  while (!by_use_.empty() && (by_use_.size() > options_.entries || bytes_ > options_.max_bytes)) {
    bytes_ -= bytes_of(by_use_.back());
    by_text_.erase(by_use_.back().text);
    by_use_.pop_back();
  }
  probe_.embedding_cache_bytes.set(bytes_);
}

}  // namespace holdfast::cache
