// The little of Unicode that the analyzer and the embedder need: decoding, simple lower-casing of the Latin,
// Greek and Cyrillic scripts, and which code points separate words. Independent of any locale, the same on
// every machine.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace holdfast::text {

// The next code point, removed from the front of text. A byte that begins no valid sequence is taken as
// itself.
char32_t next_code_point(std::string_view& text);
void append_utf8(std::string& out, char32_t code_point);

char32_t to_lower(char32_t code_point);

// Letters, digits, marks; not spaces, punctuation and symbols. Above Latin-1, whatever is not in a block of
// punctuation, symbols or private use counts as a letter.
bool is_word(char32_t code_point);

// Scripts written without spaces between words (Han, Hiragana, Katakana, Hangul syllables, Thai, Lao, Khmer,
// Myanmar): each character is a term of its own.
bool is_unspaced(char32_t code_point);

}  // namespace holdfast::text
