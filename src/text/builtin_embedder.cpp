#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <numeric>
#include <span>

#include "character_ngrams.hpp"
#include "holdfast/text/embedder.hpp"
#include "word_vectors/word_vectors.hpp"

namespace holdfast::text {
namespace {

constexpr std::size_t kDimensions = kWordDimensions + kNgramDimensions;

// The n-grams' share of the cosine of two texts that have both parts. On conversations anything from 0 to 0.5
// is as good (tests/text/locomo_recall); the n-grams are for what the words do not know.
constexpr double kNgramShare = 0.2;

// Word vectors times their weights, in whole numbers: in 32 bits as long as they hold them.
using WordSum = std::array<double, kWordDimensions>;

WordSum sum_words(std::span<const std::uint32_t> words) {
  constexpr std::size_t kMostAtOnce = 1u << 15;  // of 16 bits each
  const auto& vectors = english_word_vectors();
  WordSum total{};
  while (!words.empty()) {
    const auto some = words.first(std::min(words.size(), kMostAtOnce));
    std::array<std::int32_t, kWordDimensions> sum{};
    for (const auto number : some) {
      const auto vector = vectors.vector(number);
      const auto weight = static_cast<std::int16_t>(vector.weight);
      for (std::size_t i = 0; i < kWordDimensions; ++i)
        sum[i] += static_cast<std::int16_t>(vector.components[i] * weight);
    }
    for (std::size_t i = 0; i < kWordDimensions; ++i) total[i] += sum[i];
    words = words.subspan(some.size());
  }
  return total;
}

// Both write their part of length 1 times this into out; a part of zeros stays zeros.

void write_words(const WordSum& sum, double length, std::span<float, kWordDimensions> out) {
  const double squares = std::inner_product(sum.begin(), sum.end(), sum.begin(), 0.0);
  if (squares == 0) return;
  const double scale = length / std::sqrt(squares);
  for (std::size_t i = 0; i < kWordDimensions; ++i) out[i] = static_cast<float>(sum[i] * scale);
}

// Counts grow with the length of the text; their square roots keep one repeated word from drowning the
// others.
void write_ngrams(const NgramCounts& counts, double length, std::span<float, kNgramDimensions> out) {
  std::int64_t squares = 0;  // of those roots
  for (const auto count : counts) squares += std::abs(count);
  if (squares == 0) return;
  const auto scale = static_cast<float>(length / std::sqrt(static_cast<double>(squares)));
  for (std::size_t i = 0; i < kNgramDimensions; ++i) {
    const auto count = static_cast<float>(counts[i]);
    out[i] = std::copysign(std::sqrt(std::abs(count)), count) * scale;
  }
}

class BuiltinEmbedder final : public Embedder {
 public:
  std::string_view fingerprint() const override { return "builtin-glove100-ngrams512/2"; }
  std::size_t dimensions() const override { return kDimensions; }
  Embedding embed(const AnalysedText& text) const override {
    std::array<float, kDimensions> components{};
    const std::span all(components);
    write_words(sum_words(text.word_vectors()), std::sqrt(1 - kNgramShare), all.first<kWordDimensions>());
    write_ngrams(count_ngrams(text), std::sqrt(kNgramShare), all.last<kNgramDimensions>());
    return quantise(components);
  }
};

}  // namespace

Embedding quantise(std::span<const float> components) {
  // What 127 may be divided by.
  constexpr float kLeastMagnitude = 1e-30f;
  float largest = 0;
  for (const float x : components) largest = std::max(largest, std::abs(x));
  if (largest < kLeastMagnitude) return {};
  const float scale = 127 / largest;
  Embedding vector(components.size());
  std::transform(components.begin(), components.end(), vector.begin(), [scale](float x) {
    const float scaled = x * scale;
    return static_cast<std::int8_t>(static_cast<int>(scaled + std::copysign(0.5f, scaled)));
  });
  return vector;
}

const Embedder& builtin_embedder() {
  static const BuiltinEmbedder embedder;
  return embedder;
}

}  // namespace holdfast::text
