// What the index and the built-in embedder take of a text, made in one pass over it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "holdfast/text/terms.hpp"

namespace holdfast::text {

inline constexpr std::size_t kMaxTermBytes = 64;

// Changes when the same text gives other terms: stored indexes made by another version must be rebuilt.
inline constexpr int kAnalyzerVersion = 1;

// Words are lower-cased runs of letters and digits; of a long one, the characters that still fit into
// kMaxTermBytes. Each character of a script without spaces between words (Chinese, Japanese, Thai, …) and
// each emoji is a word of its own. English stop words count only in a text of nothing else. Deterministic.
class AnalysedText {
 public:
  explicit AnalysedText(std::string_view text);

  // Snowball English ("Porter2") stems of the words; each is [a-z0-9] or bytes >= 0x80, at most
  // kMaxTermBytes.
  const Terms& terms() const { return terms_; }
  // The words that have a vector, by their numbers in english_word_vectors().
  std::span<const std::uint32_t> word_vectors() const { return word_vectors_; }
  // The runs, in UTF-8 whatever the text was, with a space before, between and after them; empty when there
  // is none.
  std::string_view spaced() const { return spaced_; }

 private:
  Terms terms_;
  std::vector<std::uint32_t> word_vectors_;
  std::string spaced_;
};

Terms analyze(std::string_view text);

}  // namespace holdfast::text
