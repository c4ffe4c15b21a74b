#include "vocabulary.hpp"

#include <xxhash.h>

#include <bit>
#include <cstring>

namespace holdfast::text {
namespace {

static_assert(sizeof(TokenSlot) == 16 && std::endian::native == std::endian::little);

constexpr std::uint32_t kHeaderWords = 4;
constexpr std::uint32_t kSlotWords = sizeof(TokenSlot) / sizeof(std::uint32_t);

template <class Unsigned>
std::uint64_t load(const char* from) {
  Unsigned value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

// Up to 8 bytes as a number, without reading outside.
std::uint64_t pack(std::string_view bytes) {
  const auto* data = bytes.data();
  const auto size = bytes.size();
  if (size == 8) return load<std::uint64_t>(data);
  if (size >= 4) return load<std::uint32_t>(data) | load<std::uint32_t>(data + size - 4) << (8 * (size - 4));
  if (size >= 2) return load<std::uint16_t>(data) | load<std::uint16_t>(data + size - 2) << (8 * (size - 2));
  return size == 0 ? 0 : load<std::uint8_t>(data);
}

}  // namespace

TokenKey key_of(std::string_view bytes) {
  const auto length = static_cast<std::uint32_t>(bytes.size());
  return {bytes.size() <= 8 ? pack(bytes) : XXH3_64bits(bytes.data(), bytes.size()), length};
}

std::uint32_t first_slot(const TokenKey& key, std::uint32_t slots) {
  // Fibonacci hashing (Knuth, volume 3, 6.4): the golden ratio's multiple, its upper bits.
  const auto mixed = (key.key ^ key.length) * 0x9E3779B97F4A7C15u;
  return static_cast<std::uint32_t>((mixed ^ mixed >> 32) >> 12) & (slots - 1);
}

Vocabulary::Vocabulary(std::span<const std::uint32_t> baked)
    : count_(baked[0]),
      slots_(baked[1]),
      table_(reinterpret_cast<const TokenSlot*>(baked.data() + kHeaderWords)),
      offsets_(baked.data() + kHeaderWords + std::size_t{slots_} * kSlotWords),
      bytes_(reinterpret_cast<const char*>(offsets_ + count_ + 1)) {}

std::string_view Vocabulary::bytes(TokenId id) const {
  return {bytes_ + offsets_[id], offsets_[id + 1] - offsets_[id]};
}

TokenId Vocabulary::find(std::string_view wanted) const {
  if (wanted.empty() || wanted.size() > kMaxTokenBytes) return kNoToken;
  const auto key = key_of(wanted);
  for (auto at = first_slot(key, slots_);; at = (at + 1) & (slots_ - 1)) {
    const auto& slot = table_[at];
    if (slot.length == 0) return kNoToken;
    if (slot.key != key.key || slot.length != key.length) continue;
    if (key.length <= 8 || bytes(slot.id) == wanted) return slot.id;
  }
}

}  // namespace holdfast::text
