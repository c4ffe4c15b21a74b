// Signed feature hashing of character 3- to 5-grams (Weinberger et al. 2009, "Feature Hashing for Large Scale
// Multitask Learning"; sub-word n-grams as in Bojanowski et al. 2017): what knows names, other languages and
// misspelled words.
#pragma once

#include <array>
#include <cstdint>

#include "holdfast/text/analysed_text.hpp"

namespace holdfast::text {

inline constexpr std::size_t kNgramDimensions = 512;
using NgramCounts = std::array<std::int32_t, kNgramDimensions>;

// Each n-gram counts 1 or -1 in one of the components.
NgramCounts count_ngrams(const AnalysedText& text);

}  // namespace holdfast::text
