// What a message's vectors are made of, and how a text becomes chunks.
//
// Splits a text that is longer than an embedder takes into chunks, each of which gets a vector of its own:
// nothing of a text is without one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace holdfast::text {

enum class ChunkStrategy : std::uint8_t {
  message,     // a chunk is of one message
  contextual,  // a message's chunk is a window: the message and those before it in its session
               // (text/scorer.hpp)
};

struct ChunkOptions {
  // Share of a chunk's room that repeats the end of the chunk before, so that what a cut divides is whole in
  // one of them; 0…0.5.
  double overlap = 0.1;
};

// The chunks in order, views into text, each of 1…max_bytes bytes; together they cover it. A text that fits
// is one chunk, an empty one is none. Cut behind white space in the last quarter of a chunk's room when there
// is some, else between two characters; only a max_bytes below 4 may divide one. Deterministic; the time is
// that of the text's length.
std::vector<std::string_view> split_text(std::string_view text, std::size_t max_bytes, ChunkOptions options);

}  // namespace holdfast::text
