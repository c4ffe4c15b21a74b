#include "scanner.hpp"

#include <array>
#include <cstdint>
#include <optional>

namespace holdfast::text {
namespace {

// As in convert_vocabularies.mjs: UPPER is Lu and Lt, LETTER is Lm and Lo.
enum Class : std::uint8_t { kOther, kUpper, kLower, kLetter, kMark, kNumber, kSpace };

#include "unicode_classes.inc"

struct Character {
  char32_t code = 0;
  std::size_t bytes = 0;  // 0: past the end
  Class kind = kOther;
};

Class class_of(char32_t code) {
  return static_cast<Class>(kBlocks[kBlockOf[code >> 8]][code & 0xFF]);
}

// A byte that begins no valid sequence is a character of its own, of class Other.
Character read(std::string_view text, std::size_t at) {
  if (at >= text.size()) return {};
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned lead = byte(at);
  if (lead < 0x80) return {lead, 1, class_of(lead)};
  const std::size_t length = lead < 0xC2 ? 0 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : lead < 0xF5 ? 4 : 0;
  if (length == 0 || at + length > text.size()) return {0xFFFFFFFF, 1, kOther};
  char32_t code = lead & (0xFFu >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(at + i) & 0xC0) != 0x80) return {0xFFFFFFFF, 1, kOther};
    code = code << 6 | (byte(at + i) & 0x3F);
  }
  if (code > 0x10FFFF) return {0xFFFFFFFF, 1, kOther};
  return {code, length, class_of(code)};
}

bool is_letter(Class kind) {
  return kind == kUpper || kind == kLower || kind == kLetter;
}
bool is_newline(const Character& c) {
  return c.code == U'\r' || c.code == U'\n';
}
// [\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}] and [\p{Ll}\p{Lm}\p{Lo}\p{M}]
bool in_upper(const Character& c) {
  return c.bytes > 0 && (c.kind == kUpper || c.kind == kLetter || c.kind == kMark);
}
bool in_lower(const Character& c) {
  return c.bytes > 0 && (c.kind == kLower || c.kind == kLetter || c.kind == kMark);
}
// [^\r\n\p{L}\p{N}]
bool may_lead(const Character& c) {
  return c.bytes > 0 && !is_newline(c) && !is_letter(c.kind) && c.kind != kNumber;
}
// [^\s\p{L}\p{N}]
bool is_symbol(const Character& c) {
  return c.bytes > 0 && c.kind != kSpace && !is_letter(c.kind) && c.kind != kNumber;
}

// Where a run of characters that satisfy the predicate ends.
template <class Predicate>
std::size_t run_end(std::string_view text, std::size_t at, Predicate satisfies) {
  for (Character c = read(text, at); c.bytes > 0 && satisfies(c); c = read(text, at)) at += c.bytes;
  return at;
}

// (?i:'s|'t|'re|'ve|'m|'ll|'d) at `at`: its end, or at itself. U+017F folds to s.
std::size_t contraction_end(std::string_view text, std::size_t at) {
  if (at >= text.size() || text[at] != '\'') return at;
  const auto lower = [&](std::size_t i) -> char {
    const char c = i < text.size() ? text[i] : '\0';
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  };
  const char first = lower(at + 1);
  if (first == 's' || first == 't' || first == 'm' || first == 'd') return at + 2;
  const char second = lower(at + 2);
  if ((first == 'r' || first == 'v') && second == 'e') return at + 3;
  if (first == 'l' && second == 'l') return at + 3;
  return text.substr(at + 1, 2) == "\xC5\xBF" ? at + 3 : at;
}

// [upper]*[lower]+ at `at`, where the star gives back until the plus has its one.
std::optional<std::size_t> mixed_word_end(std::string_view text, std::size_t at) {
  std::size_t end = at;
  std::optional<std::size_t> last_shared;  // end of the last character of the upper run that is in both sets
  for (Character c = read(text, end); in_upper(c); c = read(text, end)) {
    end += c.bytes;
    if (in_lower(c)) last_shared = end;
  }
  const auto lower_end = run_end(text, end, in_lower);
  return lower_end > end ? std::optional(lower_end) : last_shared;
}

// [upper]+[lower]*
std::optional<std::size_t> upper_word_end(std::string_view text, std::size_t at) {
  const auto end = run_end(text, at, in_upper);
  if (end == at) return std::nullopt;
  return run_end(text, end, in_lower);
}

// Either kind of word behind an optional character that may lead it.
template <class WordEnd>
std::optional<std::size_t> led_word_end(std::string_view text, const Character& first, WordEnd word_end) {
  if (may_lead(first)) {
    if (const auto end = word_end(text, first.bytes)) return end;
  }
  return word_end(text, 0);
}

std::size_t number_end(std::string_view text) {
  std::size_t at = 0;
  for (int digits = 0; digits < 3; ++digits) {
    const auto c = read(text, at);
    if (c.bytes == 0 || c.kind != kNumber) break;
    at += c.bytes;
  }
  return at;
}

// ` ?[^\s\p{L}\p{N}]+` and then the characters of the tail.
template <class InTail>
std::optional<std::size_t> symbols_end(std::string_view text, InTail in_tail) {
  const std::size_t begin = text[0] == ' ' ? 1 : 0;
  const auto end = run_end(text, begin, is_symbol);
  if (end == begin) return std::nullopt;
  return run_end(text, end, in_tail);
}

// `\s*[\r\n]+|\s+(?!\S)|\s+` on a text that begins with white space.
std::size_t space_end(std::string_view text) {
  std::size_t end = 0, before_last = 0, newline_end = 0;
  for (Character c = read(text, 0); c.bytes > 0 && c.kind == kSpace; c = read(text, end)) {
    before_last = end;
    end += c.bytes;
    if (is_newline(c)) newline_end = end;
  }
  if (newline_end > 0) return newline_end;
  if (end == text.size() || before_last == 0) return end;
  return before_last;  // the last one leads what follows
}

// ` ?[A-Z]?[a-z]+` before an ASCII character that is no apostrophe: what most pieces of English are, whole
// to o200k_base. 0 when the text begins otherwise.
std::size_t plain_word_end(std::string_view text) {
  const auto is_between = [&](std::size_t i, char first) {
    return static_cast<unsigned char>(text[i] - first) < 26;
  };
  std::size_t at = text[0] == ' ' ? 1 : 0;
  if (at < text.size() && is_between(at, 'A')) ++at;
  const auto begin = at;
  while (at < text.size() && is_between(at, 'a')) ++at;
  if (at == begin) return 0;
  return at == text.size() || (static_cast<unsigned char>(text[at]) < 0x80 && text[at] != '\'') ? at : 0;
}

}  // namespace

std::size_t next_piece_o200k(std::string_view text) {
  if (const auto end = plain_word_end(text); end > 0) return end;
  const auto first = read(text, 0);
  if (const auto end = led_word_end(text, first, mixed_word_end)) return contraction_end(text, *end);
  if (const auto end = led_word_end(text, first, upper_word_end)) return contraction_end(text, *end);
  if (first.kind == kNumber) return number_end(text);
  const auto in_tail = [](const Character& c) { return is_newline(c) || c.code == U'/'; };
  if (const auto end = symbols_end(text, in_tail)) return *end;
  return space_end(text);
}

std::size_t next_piece_cl100k(std::string_view text) {
  if (const auto end = contraction_end(text, 0); end > 0) return end;
  const auto first = read(text, 0);
  const auto letters_end = [](std::string_view in, std::size_t at) -> std::optional<std::size_t> {
    const auto end = run_end(in, at, [](const Character& c) { return is_letter(c.kind); });
    return end == at ? std::nullopt : std::optional(end);
  };
  if (const auto end = led_word_end(text, first, letters_end)) return *end;
  if (first.kind == kNumber) return number_end(text);
  if (const auto end = symbols_end(text, is_newline)) return *end;
  return space_end(text);
}

}  // namespace holdfast::text
