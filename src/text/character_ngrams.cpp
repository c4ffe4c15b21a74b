#include <xxhash.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "code_points.hpp"
#include "holdfast/text/embedder.hpp"

namespace holdfast::text {
namespace {

constexpr std::size_t kDimensions = 512;
constexpr std::size_t kShortest = 3;
constexpr std::size_t kLongest = 5;

using Counts = std::array<float, kDimensions>;

// The text as words between single spaces, lower-cased, and where each character begins.
struct Normalised {
  std::string bytes;
  std::vector<std::size_t> starts;
};

Normalised normalise(std::string_view text) {
  Normalised out;
  out.bytes = " ";
  out.starts = {0};
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
  return out;
}

// Nine bits choose the component, one the sign.
void count_ngrams(const Normalised& text, Counts& counts) {
  auto starts = text.starts;
  starts.push_back(text.bytes.size());
  for (std::size_t i = 0; i + 1 < starts.size(); ++i) {
    for (std::size_t length = kShortest; length <= kLongest && i + length < starts.size(); ++length) {
      const auto hash = XXH3_64bits(text.bytes.data() + starts[i], starts[i + length] - starts[i]);
      counts[hash % kDimensions] += (hash >> 32) & 1 ? 1.0f : -1.0f;
    }
  }
}

Embedding quantise(const Counts& counts) {
  float largest = 0;
  for (const float count : counts) largest = std::max(largest, std::abs(count));
  if (largest == 0) return {};
  Embedding vector(kDimensions);
  for (std::size_t i = 0; i < kDimensions; ++i) {
    vector[i] = static_cast<std::int8_t>(std::lround(counts[i] / largest * 127.0f));
  }
  return vector;
}

class CharacterNgramEmbedder final : public Embedder {
 public:
  std::string_view fingerprint() const override { return "character-ngrams-3-5-xxh3-512/1"; }
  std::size_t dimensions() const override { return kDimensions; }
  Embedding embed(std::string_view text) const override {
    const auto normalised = normalise(text);
    if (normalised.starts.size() < kShortest) return {};
    Counts counts{};
    count_ngrams(normalised, counts);
    // Counts grow with the length of the text; their square roots keep one repeated word from drowning the
    // others.
    for (float& count : counts) count = std::copysign(std::sqrt(std::abs(count)), count);
    return quantise(counts);
  }
};

}  // namespace

const Embedder& character_ngram_embedder() {
  static const CharacterNgramEmbedder embedder;
  return embedder;
}

}  // namespace holdfast::text
