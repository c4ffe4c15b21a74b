#include "holdfast/engine/kept_features.hpp"

#include <utility>

namespace holdfast::engine {
namespace {

// Of an entry by itself: its key, the map's node, the shared pointer's block.
constexpr std::size_t kEntryBytes = 160;

std::size_t bytes_of(const text::SharedFeatures& kept) {
  return kept ? kEntryBytes + kept->bytes() : 0;
}

}  // namespace

text::SharedFeatures KeptFeatures::find(std::string_view id) const {
  const auto found = by_id_.find(id);
  return found == by_id_.end() ? nullptr : found->second;
}

void KeptFeatures::put(std::string_view id, text::SharedFeatures features) {
  auto& kept = by_id_.try_emplace(std::string(id)).first->second;
  count(bytes_of(kept), bytes_of(features));
  kept = std::move(features);
}

void KeptFeatures::erase(std::string_view id) {
  const auto found = by_id_.find(id);
  if (found != by_id_.end()) erase(found);
}

KeptFeatures::ById::iterator KeptFeatures::erase(ById::iterator entry) {
  count(bytes_of(entry->second), 0);
  return by_id_.erase(entry);
}

void KeptFeatures::count(std::size_t before, std::size_t after) {
  bytes_ = bytes_ - before + after;
  all_bytes_.subtract(before);
  all_bytes_.add(after);
}

}  // namespace holdfast::engine
