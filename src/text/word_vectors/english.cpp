#include "word_vectors.hpp"

extern "C" {
extern const std::uint32_t holdfast_english_vectors[];
extern const std::uint32_t holdfast_english_vectors_end[];
}

namespace holdfast::text {

const WordVectors& english_word_vectors() {
  static const WordVectors vectors({holdfast_english_vectors, holdfast_english_vectors_end});
  return vectors;
}

}  // namespace holdfast::text
