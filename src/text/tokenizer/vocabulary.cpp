#include "vocabulary.hpp"

#include <xxhash.h>

namespace holdfast::text {

std::uint64_t hash_token(std::string_view bytes) {
  return XXH3_64bits(bytes.data(), bytes.size());
}

Vocabulary::Vocabulary(std::span<const std::uint32_t> baked)
    : count_(baked[0]),
      slots_(baked[1]),
      offsets_(baked.data() + 2),
      ids_(offsets_ + count_ + 1),
      bytes_(reinterpret_cast<const char*>(ids_ + slots_)) {}

std::string_view Vocabulary::bytes(TokenId id) const {
  return {bytes_ + offsets_[id], offsets_[id + 1] - offsets_[id]};
}

TokenId Vocabulary::find(std::string_view wanted) const {
  if (wanted.size() > kMaxTokenBytes) return kNoToken;
  for (auto slot = hash_token(wanted) & (slots_ - 1);; slot = (slot + 1) & (slots_ - 1)) {
    const auto id = ids_[slot];
    if (id == kNoToken || bytes(id) == wanted) return id;
  }
}

}  // namespace holdfast::text
