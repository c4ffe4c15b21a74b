#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

namespace holdfast::query {

// Leaves the first `limit` of items by this order, sorted.
template <class Item, class Before>
void keep_first(std::vector<Item>& items, std::size_t limit, Before before) {
  const auto kept = items.begin() + static_cast<std::ptrdiff_t>(std::min(limit, items.size()));
  std::partial_sort(items.begin(), kept, items.end(), before);
  items.erase(kept, items.end());
}

}  // namespace holdfast::query
