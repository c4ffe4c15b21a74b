#include "holdfast/memory/rising_floor.hpp"

#include <algorithm>

namespace holdfast::memory {

void RisingFloor::add(SteadyTime now, std::uint64_t bytes, std::uint64_t left) {
  if (!parts_.empty() && now - parts_.back().began >= 2 * part_length_) parts_.clear();  // nobody looked
  if (parts_.empty() || now - parts_.back().began >= part_length_) {
    const auto left_before = parts_.empty() ? left : parts_.back().left_after;
    parts_.push_back({now, bytes, left_before, left});
    if (parts_.size() > kParts + 1) parts_.pop_front();
    return;
  }
  auto& part = parts_.back();
  part.least_bytes = std::min(part.least_bytes, bytes);
  part.left_after = left;
}

std::optional<std::uint64_t> RisingFloor::grown() const {
  if (parts_.size() <= kParts) return std::nullopt;
  for (std::size_t i = 0; i < kParts; ++i) {
    if (parts_[i].left_after == parts_[i].left_before) return std::nullopt;
    if (i > 0 && parts_[i].least_bytes <= parts_[i - 1].least_bytes) return std::nullopt;
  }
  const auto growth = parts_[kParts - 1].least_bytes - parts_[0].least_bytes;
  return growth >= kLeastGrowth ? std::optional(growth) : std::nullopt;
}

}  // namespace holdfast::memory
