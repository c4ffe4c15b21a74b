#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <span>

#include "character_ngrams.hpp"
#include "holdfast/text/embedder.hpp"
#include "holdfast/text/words.hpp"
#include "index_words.hpp"
#include "word_vectors/word_vectors.hpp"

namespace holdfast::text {
namespace {

constexpr std::size_t kDimensions = kWordDimensions + kNgramDimensions;

// The n-grams' share of the cosine of two texts that have both parts. On conversations anything from 0 to 0.5
// is as good (tests/text/locomo_recall); the n-grams are for what the words do not know.
constexpr double kNgramShare = 0.2;

using WordSum = std::array<std::int64_t, kWordDimensions>;

bool add_word(const WordVectors& vectors, std::string_view word, WordSum& sum) {
  const auto number = vectors.find(word);
  if (number == WordVectors::kNoWord) return false;
  const auto vector = vectors.vector(number);
  const auto weight = static_cast<std::int32_t>(vector.weight);
  for (std::size_t i = 0; i < kWordDimensions; ++i) sum[i] += vector.components[i] * weight;
  return true;
}

// The weighted sum of the known words' vectors. Stop words count only where there are no others.
WordSum sum_words(std::string_view text) {
  const auto& vectors = english_word_vectors();
  WordSum content{}, stop_words{};
  bool any_content = false;
  split_index_words(text, [&](const std::string& word) {
    if (is_stop_word(word)) {
      add_word(vectors, word, stop_words);
    } else if (add_word(vectors, word, content)) {
      any_content = true;
    }
  });
  return any_content ? content : stop_words;
}

// Writes part, scaled to this length, into out; a part of zeros stays zeros.
template <class Part>
void write_scaled(const Part& part, double length, std::span<double> out) {
  double squares = 0;
  for (const auto x : part) squares += static_cast<double>(x) * static_cast<double>(x);
  if (squares == 0) return;
  const double scale = length / std::sqrt(squares);
  std::transform(part.begin(), part.end(), out.begin(),
                 [scale](auto x) { return static_cast<double>(x) * scale; });
}

class BuiltinEmbedder final : public Embedder {
 public:
  std::string_view fingerprint() const override { return "builtin-glove100-ngrams512/1"; }
  std::size_t dimensions() const override { return kDimensions; }
  Embedding embed(std::string_view text) const override {
    std::array<double, kDimensions> components{};
    const std::span all(components);
    write_scaled(sum_words(text), std::sqrt(1 - kNgramShare), all.first(kWordDimensions));
    write_scaled(character_ngrams(text), std::sqrt(kNgramShare), all.last(kNgramDimensions));
    return quantise(components);
  }
};

}  // namespace

Embedding quantise(std::span<const double> components) {
  double largest = 0;
  for (const double x : components) largest = std::max(largest, std::abs(x));
  if (largest == 0) return {};
  // Halves away from zero, as std::lround, which is a call: the number below a half, because a half more than
  // that number's own successor would round up.
  const double below_half = std::nextafter(0.5, 0.0);
  Embedding vector(components.size());
  std::transform(components.begin(), components.end(), vector.begin(), [=](double x) {
    const double scaled = x / largest * 127.0;
    return static_cast<std::int8_t>(static_cast<int>(scaled + std::copysign(below_half, scaled)));
  });
  return vector;
}

const Embedder& builtin_embedder() {
  static const BuiltinEmbedder embedder;
  return embedder;
}

}  // namespace holdfast::text
