#include "character_ngrams.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

#include "code_points.hpp"

namespace holdfast::text {
namespace {

constexpr std::size_t kShortest = 3;
constexpr std::size_t kLongest = 5;
constexpr std::size_t kWord = sizeof(std::uint64_t);

// Two rounds of multiplication (by 2^64 over the golden ratio: Knuth, TAOCP 3, 6.4), so that n-grams with a
// part in common go different ways. XXH3, inlined, took three times the instructions for all of this.
std::uint64_t mix(std::uint64_t x) {
  constexpr std::uint64_t kMultiplier = 0x9E3779B97F4A7C15;
  x *= kMultiplier;
  x ^= x >> 32;
  return x * kMultiplier;
}

std::uint64_t first_bytes(const char* at, std::size_t size) {
  static_assert(std::endian::native == std::endian::little);
  std::uint64_t word = 0;
  std::memcpy(&word, at, size);
  return word;
}

// Nine bits choose the component, one the sign.
void count(NgramCounts& counts, std::uint64_t hash) {
  counts[hash >> 55] += static_cast<std::int32_t>(hash >> 54 & 1) * 2 - 1;
}

// Those that begin at this character, of any script.
void count_from(const char* begin, const char* end, NgramCounts& counts) {
  const char* next = begin;
  for (std::size_t length = 1; length <= kLongest && next < end; ++length) {
    do {
      ++next;
    } while (next < end && is_continuation(*next));
    if (length < kShortest) continue;
    std::uint64_t hash = 0;
    for (const char* at = begin; at < next; at += kWord)
      hash = mix(hash ^ first_bytes(at, std::min(kWord, static_cast<std::size_t>(next - at))));
    count(counts, hash);
  }
}

}  // namespace

NgramCounts count_ngrams(const AnalysedText& text) {
  NgramCounts counts{};
  const auto bytes = text.spaced();
  const char* const end = bytes.data() + bytes.size();
  for (const char* at = bytes.data(); at < end; ++at) {
    if (is_continuation(*at)) continue;
    if (static_cast<std::size_t>(end - at) < kWord) {
      count_from(at, end, counts);
      continue;
    }
    // Five characters of ASCII, as most of all text is: the same, with each n-gram cut out of a word.
    const auto word = first_bytes(at, kWord);
    if (word & 0x80'80'80'80'80) {
      count_from(at, end, counts);
      continue;
    }
    count(counts, mix(word & 0xFF'FF'FF));
    count(counts, mix(word & 0xFF'FF'FF'FF));
    count(counts, mix(word & 0xFF'FF'FF'FF'FF));
  }
  return counts;
}

}  // namespace holdfast::text
