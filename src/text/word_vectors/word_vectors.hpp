// Static word vectors as tables in the binary: made at build time by bake_word_vectors, used as they lie
// there. Thread-safe: nothing changes.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace holdfast::text {

inline constexpr std::size_t kWordDimensions = 100;

// Rare words say more of a text than common ones: a / (a + p) with a = 1e-3 (Arora, Liang and Ma 2017, "A
// Simple but Tough-to-Beat Baseline for Sentence Embeddings"), where the probability p of the word of a rank
// is 0.1 / rank by Zipf's law. That is rank / (rank + 100), rank counted from 1.
inline constexpr double kHalfWeightRank = 100;

// A weight of 1 on a vector of length 1. Weights are whole numbers, so that sums are the same everywhere.
inline constexpr std::uint32_t kUnitWeight = 1u << 16;

struct WordVector {
  std::span<const std::int8_t, kWordDimensions> components;
  // kUnitWeight * rank weight / length of the components. Times any component it fits 16 bits.
  std::uint32_t weight;
};

// Layout of what is baked, u32 each: count, slots (a power of two), count + 1 offsets into the bytes, slots
// word numbers (kNoWord: empty; open addressing by hash of the bytes), count weights; then count rows of
// components; then the bytes of all words.
class WordVectors {
 public:
  static constexpr std::uint32_t kNoWord = 0xFFFFFFFF;

  explicit WordVectors(std::span<const std::uint32_t> baked);

  std::uint32_t size() const { return count_; }
  std::string_view word(std::uint32_t number) const;       // numbers follow the ranks, from 0
  std::uint32_t find(std::string_view lower_cased) const;  // kNoWord when there is none
  WordVector vector(std::uint32_t number) const;

 private:
  std::uint32_t count_;
  std::uint32_t slots_;
  const std::uint32_t* offsets_;
  const std::uint32_t* numbers_;
  const std::uint32_t* weights_;
  const std::int8_t* components_;
  const char* bytes_;
};

std::uint64_t hash_word(std::string_view word);

const WordVectors& english_word_vectors();

}  // namespace holdfast::text
