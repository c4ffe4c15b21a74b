#include "code_points.hpp"

#include <algorithm>
#include <array>

namespace holdfast::text {
namespace {

struct Range {
  char32_t first, last;
};

template <std::size_t N>
bool in_ranges(const std::array<Range, N>& ranges, char32_t c) {
  const auto after = std::upper_bound(ranges.begin(), ranges.end(), c,
                                      [](char32_t value, const Range& range) { return value < range.first; });
  return after != ranges.begin() && c <= std::prev(after)->last;
}

// Blocks of punctuation, symbols, spaces and private use (Unicode 15 Blocks.txt).
constexpr std::array<Range, 19> kSeparators{{
    {0x2000, 0x206F},  // General Punctuation
    {0x2070, 0x20CF},  // Superscripts, Currency
    {0x2190, 0x2BFF},  // Arrows … Miscellaneous Symbols and Arrows
    {0x2E00, 0x2E7F},  // Supplemental Punctuation
    {0x2FF0, 0x2FFF},  // Ideographic Description Characters
    {0x3000, 0x3004},  // CJK Symbols and Punctuation, but for 々〆〇
    {0x3008, 0x3020},   {0x3030, 0x3030}, {0x303D, 0x303F}, {0x30FB, 0x30FB},  // Katakana middle dot
    {0xE000, 0xF8FF},                                                          // Private Use
    {0xFE10, 0xFE1F},                                                          // Vertical Forms
    {0xFE30, 0xFE6F},  // CJK Compatibility Forms, Small Form Variants
    {0xFF00, 0xFF0F},  // fullwidth punctuation
    {0xFF1A, 0xFF20},   {0xFF3B, 0xFF40}, {0xFF5B, 0xFF65}, {0xFFE0, 0xFFFF},
    {0x1D000, 0x1D7FF},  // musical and mathematical
}};

constexpr std::array<Range, 12> kUnspaced{{
    {0x0E00, 0x0EFF},  // Thai, Lao
    {0x1000, 0x109F},  // Myanmar
    {0x1780, 0x17FF},  // Khmer
    {0x3005, 0x3007},  // 々〆〇
    {0x3040, 0x30FA},  // Hiragana, Katakana
    {0x30FC, 0x31FF},
    {0x3400, 0x4DBF},    // Han, extension A
    {0x4E00, 0x9FFF},    // Han
    {0xAC00, 0xD7AF},    // Hangul syllables
    {0xF900, 0xFAFF},    // Han, compatibility
    {0x1F000, 0x1FAFF},  // emoji: one may be all there is to find a message by
    {0x20000, 0x3FFFF},  // Han, extensions B and later
}};

unsigned char byte_at(std::string_view text, std::size_t i) {
  return static_cast<unsigned char>(text[i]);
}

}  // namespace

namespace beyond_ascii {

char32_t next_code_point(std::string_view& text) {
  const unsigned char lead = byte_at(text, 0);
  const std::size_t length = lead < 0xC2 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : lead < 0xF5 ? 4 : 1;
  bool valid = length <= text.size();
  for (std::size_t i = 1; valid && i < length; ++i) valid = (byte_at(text, i) & 0xC0) == 0x80;
  if (length == 1 || !valid) {
    text.remove_prefix(1);
    return lead;
  }
  char32_t c = lead & (0xFF >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) c = c << 6 | (byte_at(text, i) & 0x3F);
  text.remove_prefix(length);
  return c;
}

char* write_utf8(char* out, char32_t c) {
  if (c < 0x800) {
    *out++ = static_cast<char>(0xC0 | c >> 6);
    *out++ = static_cast<char>(0x80 | (c & 0x3F));
  } else if (c < 0x10000) {
    *out++ = static_cast<char>(0xE0 | c >> 12);
    *out++ = static_cast<char>(0x80 | (c >> 6 & 0x3F));
    *out++ = static_cast<char>(0x80 | (c & 0x3F));
  } else {
    *out++ = static_cast<char>(0xF0 | c >> 18);
    *out++ = static_cast<char>(0x80 | (c >> 12 & 0x3F));
    *out++ = static_cast<char>(0x80 | (c >> 6 & 0x3F));
    *out++ = static_cast<char>(0x80 | (c & 0x3F));
  }
  return out;
}

char32_t to_lower(char32_t c) {
  if (c >= 0xC0 && c <= 0xDE && c != 0xD7) return c + 32;  // Latin-1
  if (c == 0x130) return 'i';
  if (c == 0x178) return 0xFF;
  const bool odd_is_upper = (c >= 0x139 && c <= 0x148) || (c >= 0x179 && c <= 0x17E);
  if (odd_is_upper) return c % 2 == 1 ? c + 1 : c;  // Latin Extended-A, the two odd runs
  if (c >= 0x100 && c <= 0x177) return c % 2 == 0 && c != 0x138 ? c + 1 : c;
  if (c >= 0x391 && c <= 0x3AB && c != 0x3A2) return c + 32;  // Greek
  if (c == 0x386) return 0x3AC;
  if (c >= 0x388 && c <= 0x38A) return c + 37;
  if (c == 0x38C) return 0x3CC;
  if (c == 0x38E || c == 0x38F) return c + 63;
  if (c >= 0x400 && c <= 0x40F) return c + 80;  // Cyrillic
  if (c >= 0x410 && c <= 0x42F) return c + 32;
  if (c >= 0x460 && c <= 0x481) return c % 2 == 0 ? c + 1 : c;
  if (c >= 0x531 && c <= 0x556) return c + 48;  // Armenian
  if (c >= 0x1E00 && c <= 0x1EFF)
    return c % 2 == 0 && (c < 0x1E96 || c > 0x1E9F) ? c + 1 : c;  // Latin, Vietnamese
  if (c >= 0xFF21 && c <= 0xFF3A) return c + 32;                  // fullwidth
  return c;
}

bool is_word(char32_t c) {
  if (c < 0xC0) return c == 0xAA || c == 0xB5 || c == 0xBA;
  if (c == 0xD7 || c == 0xF7) return false;
  return c < 0x2000 || !in_ranges(kSeparators, c);
}

bool is_unspaced(char32_t c) {
  return c >= 0x0E00 && in_ranges(kUnspaced, c);
}

}  // namespace beyond_ascii
}  // namespace holdfast::text
