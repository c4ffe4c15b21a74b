// Signed feature hashing of character 3- to 5-grams (Weinberger et al. 2009, "Feature Hashing for Large Scale
// Multitask Learning"; sub-word n-grams as in Bojanowski et al. 2017): what knows names, other languages and
// misspelled words.
#pragma once

#include <array>
#include <string_view>

namespace holdfast::text {

inline constexpr std::size_t kNgramDimensions = 512;
using NgramFeatures = std::array<float, kNgramDimensions>;

// Zeros when the text has no letters or digits.
NgramFeatures character_ngrams(std::string_view text);

}  // namespace holdfast::text
