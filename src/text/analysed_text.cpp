#include "holdfast/text/analysed_text.hpp"

#include <libstemmer.h>
#define XXH_INLINE_ALL  // of words: the call would be as long as the hash
#include <xxhash.h>

#include <algorithm>
#include <memory>
#include <stdexcept>
#include <utility>

#include "code_points.hpp"
#include "holdfast/text/words.hpp"
#include "word_vectors/word_vectors.hpp"

namespace holdfast::text {
namespace {

bool is_ascii(std::string_view word) {
  return std::all_of(word.begin(), word.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

// Snowball's English stemmer; one a thread, because it keeps a buffer.
std::string stem(std::string_view word) {
  if (!is_ascii(word)) return std::string(word);
  struct Delete {
    void operator()(sb_stemmer* stemmer) const { sb_stemmer_delete(stemmer); }
  };
  thread_local const std::unique_ptr<sb_stemmer, Delete> stemmer(sb_stemmer_new("english", "UTF_8"));
  if (!stemmer) throw std::runtime_error("libstemmer has no English stemmer");
  const auto* stemmed = sb_stemmer_stem(stemmer.get(), reinterpret_cast<const sb_symbol*>(word.data()),
                                        static_cast<int>(word.size()));
  return {reinterpret_cast<const char*>(stemmed), static_cast<std::size_t>(sb_stemmer_length(stemmer.get()))};
}

struct KnownWord {
  std::string word, term;
  bool is_stop_word = false;
  std::uint32_t vector = WordVectors::kNoWord;
};

// Chat repeats its words: of every ten, eight or nine are still in such a table of the thread.
const KnownWord& known_word(std::string_view word) {
  thread_local std::vector<KnownWord> recent(2048);
  auto& slot = recent[XXH3_64bits(word.data(), word.size()) % recent.size()];
  if (slot.word != word) {
    const bool is_stop = is_stop_word(word);
    slot = {std::string(word), is_stop ? std::string(word) : stem(word), is_stop,
            english_word_vectors().find(word)};
  }
  return slot;
}

// What is taken of words of one kind.
struct Taken {
  Terms terms;
  std::vector<std::uint32_t> vectors;

  void take(const KnownWord& word) {
    terms.push_back(word.term);
    if (word.vector != WordVectors::kNoWord) vectors.push_back(word.vector);
  }
};

// The characters that fit, in order.
std::string cut(std::string_view word) {
  std::string kept;
  while (!word.empty()) {
    std::size_t size = 1;
    while (size < word.size() && is_continuation(word[size])) ++size;
    if (kept.size() + size <= kMaxTermBytes) kept += word.substr(0, size);
    word.remove_prefix(size);
  }
  return kept;
}

}  // namespace

AnalysedText::AnalysedText(std::string_view text) {
  // A byte that begins no valid sequence may become two.
  spaced_.resize(2 * text.size() + 2);
  char* out = spaced_.data();
  *out++ = ' ';
  Taken content, stop_words;
  content.terms.reserve(text.size());
  content.vectors.reserve(text.size() / 8 + 1);
  const char* word = nullptr;  // where the one under way begins
  const auto end_word = [&] {
    if (!word) return;
    const std::string_view whole(word, static_cast<std::size_t>(out - word));
    const auto& known = whole.size() <= kMaxTermBytes ? known_word(whole) : known_word(cut(whole));
    word = nullptr;
    if (!known.is_stop_word) {
      content.take(known);
    } else if (content.terms.empty() || content.vectors.empty()) {
      stop_words.take(known);
    }
  };
  while (!text.empty()) {
    const auto c = next_code_point(text);
    if (is_word(c)) {
      const bool alone = is_unspaced(c);
      if (alone) end_word();
      if (!word) word = out;
      out = write_utf8(out, to_lower(c));
      if (alone) end_word();
    } else if (out[-1] != ' ') {
      end_word();
      *out++ = ' ';
    }
  }
  if (out[-1] != ' ') {
    end_word();
    *out++ = ' ';
  }
  const auto size = static_cast<std::size_t>(out - spaced_.data());
  spaced_.resize(size > 1 ? size : 0);
  // "Who are you?" has nothing else to be found by.
  terms_ = std::move(content.terms.empty() ? stop_words.terms : content.terms);
  word_vectors_ = std::move(content.vectors.empty() ? stop_words.vectors : content.vectors);
}

Terms analyze(std::string_view text) {
  return AnalysedText(text).terms();
}

}  // namespace holdfast::text
