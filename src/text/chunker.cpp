#include "holdfast/text/chunker.hpp"

#include <algorithm>

namespace holdfast::text {
namespace {

bool is_space(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

// The beginning of the character that `at` is in.
std::size_t character_start(std::string_view text, std::size_t at) {
  auto start = at;
  while (start > 0 && at - start < 3 && (static_cast<unsigned char>(text[start]) & 0xC0) == 0x80) --start;
  return start;
}

// Where a chunk of text[begin…] ends whose room ends at `most`, which is inside the text.
std::size_t cut(std::string_view text, std::size_t begin, std::size_t most) {
  const auto least = most - (most - begin) / 4;
  for (auto at = most; at > least; --at) {
    if (is_space(text[at - 1])) return at;
  }
  const auto between = character_start(text, most);
  return between > begin ? between : most;
}

// Where the chunk behind one of [begin, end) begins: at a word of the overlap's, else at a character.
std::size_t next_begin(std::string_view text, std::size_t begin, std::size_t end, std::size_t overlap) {
  const auto earliest = std::max(begin + 1, end - std::min(overlap, end));
  for (auto at = earliest; at < end; ++at) {
    if (is_space(text[at - 1])) return at;
  }
  const auto between = character_start(text, earliest);
  return overlap > 0 && between > begin ? between : end;
}

}  // namespace

std::vector<std::string_view> split_text(std::string_view text, std::size_t max_bytes, ChunkOptions options) {
  std::vector<std::string_view> chunks;
  const auto room = std::max<std::size_t>(1, max_bytes);
  const auto overlap =
      static_cast<std::size_t>(std::clamp(options.overlap, 0.0, 0.5) * static_cast<double>(room));
  std::size_t begin = 0;
  while (text.size() - begin > room) {
    const auto end = cut(text, begin, begin + room);
    chunks.push_back(text.substr(begin, end - begin));
    begin = next_begin(text, begin, end, overlap);
  }
  if (begin < text.size()) chunks.push_back(text.substr(begin));
  return chunks;
}

}  // namespace holdfast::text
