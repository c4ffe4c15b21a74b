#include "holdfast/text/words.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

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

// Of each first letter: where its words begin, and which lengths they have, a bit each. The last is the end.
struct FirstLetter {
  std::uint8_t begin = 0;
  std::uint32_t lengths = 0;
};
constexpr auto kFirstLetters = [] {
  std::array<FirstLetter, 27> letters{};
  for (std::size_t i = 0; i < letters.size(); ++i) {
    for (const auto word : kStopWords) {
      letters[i].begin += word[0] < static_cast<char>('a' + i);
      if (word[0] == static_cast<char>('a' + i)) letters[i].lengths |= 1u << word.size();
    }
  }
  return letters;
}();

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
    append_utf8(words.back().text, lower);
    in_word = true;
  }
  return words;
}

bool is_stop_word(std::string_view lower_cased) {
  if (lower_cased.empty() || lower_cased[0] < 'a' || lower_cased[0] > 'z') return false;
  const auto letter = static_cast<std::size_t>(lower_cased[0] - 'a');
  if (lower_cased.size() > 31 || !(kFirstLetters[letter].lengths >> lower_cased.size() & 1)) return false;
  const auto* const first = kStopWords.data() + kFirstLetters[letter].begin;
  const auto* const last = kStopWords.data() + kFirstLetters[letter + 1].begin;
  return std::find(first, last, lower_cased) != last;
}

}  // namespace holdfast::text
