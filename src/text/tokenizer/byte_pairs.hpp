// Byte-pair merging of one piece: of all neighbours whose joined bytes are a token, the pair with the lowest
// id merges, the leftmost first, until none is left.
#pragma once

#include <functional>
#include <string_view>
#include <vector>

#include "vocabulary.hpp"

namespace holdfast::text {

// Appends the piece's ids. O(n²) steps for short pieces (a scan), O(n log n) for long ones (a heap).
void merge_byte_pairs(const Vocabulary& vocabulary, std::string_view piece, std::vector<TokenId>& out);

}  // namespace holdfast::text
