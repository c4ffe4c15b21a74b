#include "holdfast/text/words.hpp"

#include <algorithm>
#include <array>

#include "code_points.hpp"

namespace holdfast::text {
namespace {

// English function words, and the parts that splitting at an apostrophe leaves of them ("don't" → "don",
// "t"). Sorted.
constexpr std::array<std::string_view, 138> kStopWords{
    "a",      "about",   "above", "after",   "again",   "against", "all",     "am",      "an",     "and",
    "any",    "are",     "aren",  "as",      "at",      "be",      "because", "been",    "before", "being",
    "below",  "between", "both",  "but",     "by",      "can",     "cannot",  "could",   "couldn", "d",
    "did",    "didn",    "do",    "does",    "doesn",   "doing",   "don",     "down",    "during", "each",
    "few",    "for",     "from",  "further", "had",     "hadn",    "has",     "hasn",    "have",   "haven",
    "having", "he",      "her",   "here",    "hers",    "herself", "him",     "himself", "his",    "how",
    "i",      "if",      "in",    "into",    "is",      "isn",     "it",      "its",     "itself", "just",
    "ll",     "m",       "me",    "more",    "most",    "my",      "myself",  "no",      "nor",    "not",
    "now",    "of",      "off",   "on",      "once",    "only",    "or",      "other",   "our",    "ours",
    "out",    "over",    "own",   "re",      "s",       "same",    "she",     "should",  "so",     "some",
    "such",   "t",       "than",  "that",    "the",     "their",   "theirs",  "them",    "then",   "there",
    "these",  "they",    "this",  "those",   "through", "to",      "too",     "under",   "until",  "up",
    "ve",     "very",    "was",   "wasn",    "we",      "were",    "weren",   "what",    "when",   "where",
    "which",  "while",   "who",   "whom",    "why",     "will",    "with",    "you"};
static_assert(std::is_sorted(kStopWords.begin(), kStopWords.end()));

}  // namespace

std::vector<Word> split_words(std::string_view text) {
  std::vector<Word> words;
  bool in_word = false;
  while (!text.empty()) {
    const auto c = next_code_point(text);
    if (!is_word(c)) {
      in_word = false;
      continue;
    }
    const auto lower = to_lower(c);
    if (!in_word) words.push_back({{}, lower != c});
    auto& word = words.back().text;
    if (lower < 0x80) {
      word += static_cast<char>(lower);
    } else {
      char bytes[4];
      word.append(bytes, write_utf8(bytes, lower));
    }
    in_word = true;
  }
  return words;
}

bool is_stop_word(std::string_view lower_cased) {
  return std::binary_search(kStopWords.begin(), kStopWords.end(), lower_cased);
}

}  // namespace holdfast::text
