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
  if (share_ < 1 || by_text_.contains(text)) return;
  by_use_.push_front({std::move(text), std::move(vector)});
  by_text_.emplace(by_use_.front().text, by_use_.begin());
  bytes_ += bytes_of(by_use_.front());
  make_room();
}

std::size_t EmbeddingCache::limit_to(double share) {
  const auto before = bytes_;
  share_ = share;
  make_room();
  return before - bytes_;
}

void EmbeddingCache::make_room() {
  const auto entries = share_of(options_.entries, share_), bytes = share_of(options_.max_bytes, share_);
  while (by_use_.size() > entries || bytes_ > bytes) {
    bytes_ -= bytes_of(by_use_.back());
    by_text_.erase(by_use_.back().text);
    by_use_.pop_back();
  }
  probe_.embedding_cache_bytes.set(bytes_);
}

}  // namespace holdfast::cache
