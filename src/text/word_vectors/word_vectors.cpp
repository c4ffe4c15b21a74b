#include "word_vectors.hpp"

#include <xxhash.h>

namespace holdfast::text {

std::uint64_t hash_word(std::string_view word) {
  return XXH3_64bits(word.data(), word.size());
}

WordVectors::WordVectors(std::span<const std::uint32_t> baked)
    : count_(baked[0]),
      slots_(baked[1]),
      offsets_(baked.data() + 2),
      numbers_(offsets_ + count_ + 1),
      weights_(numbers_ + slots_),
      components_(reinterpret_cast<const std::int8_t*>(weights_ + count_)),
      bytes_(reinterpret_cast<const char*>(components_ + count_ * kWordDimensions)) {}

std::string_view WordVectors::word(std::uint32_t number) const {
  return {bytes_ + offsets_[number], offsets_[number + 1] - offsets_[number]};
}

std::uint32_t WordVectors::find(std::string_view wanted) const {
  for (auto slot = hash_word(wanted) & (slots_ - 1);; slot = (slot + 1) & (slots_ - 1)) {
    const auto number = numbers_[slot];
    if (number == kNoWord || word(number) == wanted) return number;
  }
}

WordVector WordVectors::vector(std::uint32_t number) const {
  return {
      std::span<const std::int8_t, kWordDimensions>(components_ + number * kWordDimensions, kWordDimensions),
      weights_[number]};
}

}  // namespace holdfast::text
