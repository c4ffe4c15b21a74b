// Exact token counts of OpenAI's encodings: the ids equal tiktoken's encode_ordinary for every valid UTF-8
// text (special-token text is ordinary text). Time is O(n log n) at worst, whatever the text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::text {

enum class Encoding : std::uint8_t { o200k_base, cl100k_base };
std::string_view to_string(Encoding encoding);

// The encoding of an OpenAI model name: gpt-4o*, gpt-4.1*, chatgpt-4o*, o1*, o3*, o4*, gpt-5* -> o200k_base;
// gpt-4*, gpt-3.5*, text-embedding-* -> cl100k_base; an encoding's own name is itself. Nothing for any other.
std::optional<Encoding> encoding_for_model(std::string_view model);

// Thread-safe; scratch space (about 100 KiB an encoding) is kept for each calling thread. text must be valid UTF-8
// (bytes that are not are tokenised one by one, so the answer is always defined).
std::size_t count_tokens(Encoding encoding, std::string_view text);
std::vector<std::uint32_t> encode(Encoding encoding, std::string_view text);

// Counts for a configured model; for an unknown model words × fallback_multiplier, rounded up (exact() is
// false). Cheap to copy, thread-safe.
class TokenCounter {
 public:
  explicit TokenCounter(std::string_view model, double fallback_multiplier = 1.3);
  std::size_t count(std::string_view text) const;
  bool exact() const { return encoding_.has_value(); }
  std::string_view name() const;  // "o200k_base", "cl100k_base" or "words"

 private:
  std::optional<Encoding> encoding_;
  double fallback_multiplier_;
};

}  // namespace holdfast::text
