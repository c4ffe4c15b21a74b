#include "character_ngrams.hpp"

#define XXH_INLINE_ALL  // of three to twenty bytes: the call would be as long as the hash
#include <xxhash.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <vector>

#include "code_points.hpp"

namespace holdfast::text {
namespace {

constexpr std::size_t kShortest = 3;
constexpr std::size_t kLongest = 5;

// The text as words between single spaces, lower-cased, and where each character begins; empty when there is
// no word.
struct Normalised {
  std::string bytes;
  std::vector<std::size_t> starts;
};

Normalised normalise(std::string_view text) {
  Normalised out;
  out.bytes.reserve(text.size() + 2);
  out.starts.reserve(text.size() + 3);
  out.bytes = " ";
  out.starts.push_back(0);
  const auto put = [&](char32_t c) {
    out.starts.push_back(out.bytes.size());
    append_utf8(out.bytes, c);
  };
  bool in_word = false;
  while (!text.empty()) {
    const auto c = next_code_point(text);
    if (is_word(c)) {
      put(to_lower(c));
      in_word = true;
    } else if (in_word) {
      put(U' ');
      in_word = false;
    }
  }
  if (in_word) put(U' ');
  out.starts.push_back(out.bytes.size());
  return out;
}

}  // namespace

NgramFeatures character_ngrams(std::string_view text) {
  const auto normalised = normalise(text);
  const auto& starts = normalised.starts;
  std::array<int, kNgramDimensions> counts{};
  for (std::size_t i = 0; i + 1 < starts.size(); ++i) {
    for (std::size_t length = kShortest; length <= kLongest && i + length < starts.size(); ++length) {
      const auto hash = XXH3_64bits(normalised.bytes.data() + starts[i], starts[i + length] - starts[i]);
      // Nine bits choose the component, one the sign.
      counts[hash % kNgramDimensions] += static_cast<int>((hash >> 32) & 1) * 2 - 1;
    }
  }
  // Counts grow with the length of the text; their square roots keep one repeated word from drowning the
  // others.
  NgramFeatures features;
  std::transform(counts.begin(), counts.end(), features.begin(), [](int count) {
    const auto signed_count = static_cast<float>(count);
    return std::copysign(std::sqrt(std::abs(signed_count)), signed_count);
  });
  return features;
}

}  // namespace holdfast::text
