// The little of Unicode that the analyzer and the embedder need: decoding, simple lower-casing of the Latin,
// Greek and Cyrillic scripts, and which code points separate words. Independent of any locale, the same on
// every machine.
#pragma once

#include <cstdint>
#include <string_view>

namespace holdfast::text {

// The next code point, removed from the front of text. A byte that begins no valid sequence is taken as
// itself.
inline char32_t next_code_point(std::string_view& text);
// One to four bytes; returns their end.
inline char* write_utf8(char* out, char32_t code_point);
// Of UTF-8: no character begins at this byte.
inline bool is_continuation(char byte);

inline char32_t to_lower(char32_t code_point);

// Letters, digits, marks; not spaces, punctuation and symbols. Above Latin-1, whatever is not in a block of
// punctuation, symbols or private use counts as a letter.
inline bool is_word(char32_t code_point);

// Scripts written without spaces between words (Han, Hiragana, Katakana, Hangul syllables, Thai, Lao, Khmer,
// Myanmar): each character is a term of its own.
inline bool is_unspaced(char32_t code_point);

// ASCII, most of all text, is looked at here.
namespace beyond_ascii {
char32_t next_code_point(std::string_view& text);
char* write_utf8(char* out, char32_t code_point);
char32_t to_lower(char32_t code_point);
bool is_word(char32_t code_point);
bool is_unspaced(char32_t code_point);
}  // namespace beyond_ascii

inline char32_t next_code_point(std::string_view& text) {
  const auto c = static_cast<unsigned char>(text.front());
  if (c >= 0x80) return beyond_ascii::next_code_point(text);
  text.remove_prefix(1);
  return c;
}
inline char* write_utf8(char* out, char32_t c) {
  if (c >= 0x80) return beyond_ascii::write_utf8(out, c);
  *out++ = static_cast<char>(c);
  return out;
}
inline bool is_continuation(char byte) {
  return (static_cast<unsigned char>(byte) & 0xC0) == 0x80;
}
inline char32_t to_lower(char32_t c) {
  if (c >= 0x80) return beyond_ascii::to_lower(c);
  return c >= 'A' && c <= 'Z' ? c + 32 : c;
}
inline bool is_word(char32_t c) {
  if (c >= 0x80) return beyond_ascii::is_word(c);
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}
inline bool is_unspaced(char32_t c) {
  return c >= 0x80 && beyond_ascii::is_unspaced(c);
}

}  // namespace holdfast::text
