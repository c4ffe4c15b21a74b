// Words as the index and the built-in word vectors have them: those of words.hpp, but each character of a
// script without spaces is one, and long ones are cut.
#pragma once

#include <string>
#include <string_view>

#include "code_points.hpp"

namespace holdfast::text {

inline constexpr std::size_t kMaxTermBytes = 64;

// Calls back with each lower-cased word. Long words are cut at a character.
template <class OnWord>
void split_index_words(std::string_view text, OnWord on_word) {
  std::string word;
  const auto finish = [&] {
    if (!word.empty()) on_word(word);
    word.clear();
  };
  while (!text.empty()) {
    const auto c = next_code_point(text);
    if (!is_word(c)) {
      finish();
      continue;
    }
    const bool alone = is_unspaced(c);
    if (alone) finish();
    const auto before = word.size();
    append_utf8(word, to_lower(c));
    if (word.size() > kMaxTermBytes) word.resize(before);
    if (alone) finish();
  }
  finish();
}

}  // namespace holdfast::text
