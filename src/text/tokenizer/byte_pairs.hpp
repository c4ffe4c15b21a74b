// Byte-pair merging of one piece: of all neighbours whose joined bytes are a token, the pair with the lowest
// id merges, the leftmost first, until none is left.
#pragma once

#include <string_view>
#include <vector>

#include "vocabulary.hpp"

namespace holdfast::text {

// Appends the piece's ids. O(n²) steps for short pieces (a scan), O(n log n) for long ones, which relies on
// what is_made_of_two_below() tells of every token. Only tokens below the limit are made.
void merge_byte_pairs(const Vocabulary& vocabulary, std::string_view piece, std::vector<TokenId>& out,
                      TokenId limit = kNoToken);

// Whether the token is one byte, or is what the merges of its bytes into lower ids leave as its last two
// parts. Then it is reached by merges, and whatever a merge makes can only merge on into higher ids.
bool is_made_of_two_below(const Vocabulary& vocabulary, TokenId token);

}  // namespace holdfast::text
