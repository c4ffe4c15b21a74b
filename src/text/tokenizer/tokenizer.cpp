#include "holdfast/text/tokenizer.hpp"

#include <array>
#include <cmath>

#include "byte_pairs.hpp"
#include "scanner.hpp"
#include "vocabulary.hpp"

extern "C" {
extern const std::uint32_t holdfast_o200k_base[], holdfast_o200k_base_end[];
extern const std::uint32_t holdfast_cl100k_base[], holdfast_cl100k_base_end[];
}

namespace holdfast::text {
namespace {

const Vocabulary& vocabulary_of(Encoding encoding) {
  static const Vocabulary o200k({holdfast_o200k_base, holdfast_o200k_base_end});
  static const Vocabulary cl100k({holdfast_cl100k_base, holdfast_cl100k_base_end});
  return encoding == Encoding::o200k_base ? o200k : cl100k;
}

void append_piece(const Vocabulary& vocabulary, std::string_view piece, std::vector<TokenId>& out) {
  if (const auto whole = vocabulary.find(piece); whole != kNoToken) {
    out.push_back(whole);
  } else {
    merge_byte_pairs(vocabulary, piece, out);
  }
}

// Takes the next piece off the text.
std::string_view cut_piece(Encoding encoding, std::string_view& text) {
  const auto piece =
      text.substr(0, encoding == Encoding::o200k_base ? next_piece_o200k(text) : next_piece_cl100k(text));
  text.remove_prefix(piece.size());
  return piece;
}

// How many tokens the short pieces that came last have: speech repeats its words, and this table stays in the
// processor's second-level cache where the vocabulary does not (tests/benchmarks/tokenizer_speed).
class RecentPieces {
 public:
  std::size_t count(Encoding encoding, std::string_view text) {
    slots_.resize(kSlots);
    const auto& vocabulary = vocabulary_of(encoding);
    std::size_t tokens = 0;
    while (!text.empty()) {
      const auto piece = cut_piece(encoding, text);
      tokens += piece.size() <= kLongest ? count_short(vocabulary, piece) : count_of(vocabulary, piece);
    }
    return tokens;
  }

 private:
  static constexpr std::size_t kLongest = 2 * sizeof(std::uint64_t);
  static constexpr std::size_t kSlots = 4096;
  struct Slot {
    std::uint64_t head = 0, tail = 0;  // the piece itself, zeros behind
    std::uint32_t length = 0;          // 0: empty
    std::uint32_t tokens = 0;
  };

  std::size_t count_short(const Vocabulary& vocabulary, std::string_view piece) {
    const auto head = key_of(piece.substr(0, sizeof(std::uint64_t))).key;
    const auto tail =
        piece.size() > sizeof(std::uint64_t) ? key_of(piece.substr(sizeof(std::uint64_t))).key : 0;
    auto& slot = slots_[first_slot({head ^ tail * 3, static_cast<std::uint32_t>(piece.size())}, kSlots)];
    if (slot.head != head || slot.tail != tail || slot.length != piece.size()) {
      slot = {head, tail, static_cast<std::uint32_t>(piece.size()),
              static_cast<std::uint32_t>(count_of(vocabulary, piece))};
    }
    return slot.tokens;
  }

  std::size_t count_of(const Vocabulary& vocabulary, std::string_view piece) {
    scratch_.clear();
    append_piece(vocabulary, piece, scratch_);
    return scratch_.size();
  }

  std::vector<Slot> slots_;
  std::vector<TokenId> scratch_;
};

std::size_t count_words(std::string_view text) {
  std::size_t words = 0;
  bool in_word = false;
  for (const char c : text) {
    const bool space = c == ' ' || (c >= '\t' && c <= '\r');
    words += !space && !in_word;
    in_word = !space;
  }
  return words;
}

struct ModelPrefix {
  std::string_view prefix;
  Encoding encoding;
};
// The first that fits rules. From tiktoken's model.py.
constexpr std::array kModels{
    ModelPrefix{"o200k_base", Encoding::o200k_base}, ModelPrefix{"cl100k_base", Encoding::cl100k_base},
    ModelPrefix{"gpt-4o", Encoding::o200k_base},     ModelPrefix{"gpt-4.1", Encoding::o200k_base},
    ModelPrefix{"gpt-4.5", Encoding::o200k_base},    ModelPrefix{"chatgpt-4o", Encoding::o200k_base},
    ModelPrefix{"gpt-5", Encoding::o200k_base},      ModelPrefix{"o1", Encoding::o200k_base},
    ModelPrefix{"o3", Encoding::o200k_base},         ModelPrefix{"o4", Encoding::o200k_base},
    ModelPrefix{"gpt-4", Encoding::cl100k_base},     ModelPrefix{"gpt-3.5", Encoding::cl100k_base},
    ModelPrefix{"gpt-35", Encoding::cl100k_base},    ModelPrefix{"text-embedding-", Encoding::cl100k_base}};

}  // namespace

std::string_view to_string(Encoding encoding) {
  return encoding == Encoding::o200k_base ? "o200k_base" : "cl100k_base";
}

std::optional<Encoding> encoding_for_model(std::string_view model) {
  for (const auto& known : kModels) {
    if (model.starts_with(known.prefix)) return known.encoding;
  }
  return std::nullopt;
}

std::size_t count_tokens(Encoding encoding, std::string_view text) {
  thread_local std::array<RecentPieces, 2> recent;
  return recent[static_cast<std::size_t>(encoding)].count(encoding, text);
}

std::vector<std::uint32_t> encode(Encoding encoding, std::string_view text) {
  std::vector<TokenId> ids;
  while (!text.empty()) append_piece(vocabulary_of(encoding), cut_piece(encoding, text), ids);
  return ids;
}

TokenCounter::TokenCounter(std::string_view model, double fallback_multiplier)
    : encoding_(encoding_for_model(model)), fallback_multiplier_(fallback_multiplier) {}

std::size_t TokenCounter::count(std::string_view text) const {
  if (encoding_) return count_tokens(*encoding_, text);
  return static_cast<std::size_t>(std::ceil(static_cast<double>(count_words(text)) * fallback_multiplier_));
}

std::string_view TokenCounter::name() const {
  return encoding_ ? to_string(*encoding_) : "words";
}

}  // namespace holdfast::text
