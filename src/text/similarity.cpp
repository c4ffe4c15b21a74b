#include <algorithm>
#include <cmath>

#include "holdfast/text/embedder.hpp"

#ifdef __x86_64__
#include <immintrin.h>
#endif

namespace holdfast::text {
namespace {

// Sums of products fit 32 bits up to 2^31 / 128^2 components.
struct Products {
  std::int32_t dot = 0;          // of a and b
  std::int32_t length_of_b = 0;  // squared
};

Products multiply_plain(const std::int8_t* a, const std::int8_t* b, std::size_t size) {
  Products sums;
  for (std::size_t i = 0; i < size; ++i) {
    sums.dot += a[i] * b[i];
    sums.length_of_b += b[i] * b[i];
  }
  return sums;
}

#ifdef __x86_64__
__attribute__((target("avx2"))) std::int32_t sum_of_lanes(__m256i lanes) {
  __m128i sum = _mm_add_epi32(_mm256_castsi256_si128(lanes), _mm256_extracti128_si256(lanes, 1));
  sum = _mm_add_epi32(sum, _mm_shuffle_epi32(sum, 0x4E));
  sum = _mm_add_epi32(sum, _mm_shuffle_epi32(sum, 0xB1));
  return _mm_cvtsi128_si32(sum);
}

__attribute__((target("avx2"))) Products multiply_avx2(const std::int8_t* a, const std::int8_t* b,
                                                       std::size_t size) {
  constexpr std::size_t kStep = 16;
  __m256i dot = _mm256_setzero_si256(), length = _mm256_setzero_si256();
  std::size_t i = 0;
  for (; i + kStep <= size; i += kStep) {
    const __m256i x = _mm256_cvtepi8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(a + i)));
    const __m256i y = _mm256_cvtepi8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(b + i)));
    dot = _mm256_add_epi32(dot, _mm256_madd_epi16(x, y));
    length = _mm256_add_epi32(length, _mm256_madd_epi16(y, y));
  }
  auto sums = multiply_plain(a + i, b + i, size - i);
  sums.dot += sum_of_lanes(dot);
  sums.length_of_b += sum_of_lanes(length);
  return sums;
}
#endif

Products multiply(const std::int8_t* a, const std::int8_t* b, std::size_t size) {
#ifdef __x86_64__
  static const bool has_avx2 = __builtin_cpu_supports("avx2");
  if (has_avx2) return multiply_avx2(a, b, size);
#endif
  return multiply_plain(a, b, size);
}

}  // namespace

double similarity_to_chunks(const Embedding& query, std::span<const std::int8_t> chunks) {
  const auto size = query.size();
  if (size == 0 || chunks.size() % size != 0) return 0;
  const double length = std::sqrt(static_cast<double>(multiply(query.data(), query.data(), size).dot));
  double best = 0;
  for (std::size_t at = 0; at < chunks.size(); at += size) {
    const auto products = multiply(query.data(), chunks.data() + at, size);
    if (products.dot <= 0) continue;
    best = std::max(best, products.dot / (length * std::sqrt(static_cast<double>(products.length_of_b))));
  }
  return std::min(1.0, best);
}

Embedding weighted_mean(std::span<const Embedding> vectors, std::span<const double> weights) {
  std::vector<double> sum(vectors.empty() ? 0 : vectors[0].size());
  for (std::size_t i = 0; i < vectors.size(); ++i) {
    const auto* vector = vectors[i].data();
    const double length = std::sqrt(static_cast<double>(multiply(vector, vector, sum.size()).dot));
    for (std::size_t j = 0; j < sum.size(); ++j) sum[j] += weights[i] * vector[j] / length;
  }
  return quantise(std::vector<float>(sum.begin(), sum.end()));
}

double similarity(const Embedding& a, const Embedding& b) {
  return a.size() == b.size() ? similarity_to_chunks(a, b) : 0;
}

}  // namespace holdfast::text
