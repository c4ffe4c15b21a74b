// The pre-tokenizers: split a text into the pieces that are merged on their own, as the regular expressions
// of the encodings do (openai/tiktoken, openai_public.py). Written by hand, because it is the hot half of
// counting.
#pragma once

#include <cstddef>
#include <string_view>

namespace holdfast::text {

// Bytes of the first piece of a text that is not empty.
std::size_t next_piece_o200k(std::string_view text);
std::size_t next_piece_cl100k(std::string_view text);

}  // namespace holdfast::text
