#include <libstemmer.h>

#include <algorithm>
#include <array>
#include <memory>
#include <stdexcept>

#include "code_points.hpp"
#include "holdfast/text/features.hpp"

namespace holdfast::text {
namespace {

constexpr std::size_t kMaxTermBytes = 64;

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

bool is_stop_word(std::string_view word) {
  return std::binary_search(kStopWords.begin(), kStopWords.end(), word);
}

// Snowball's English stemmer; one a thread, because it keeps a buffer.
std::string stem(const std::string& word) {
  struct Delete {
    void operator()(sb_stemmer* stemmer) const { sb_stemmer_delete(stemmer); }
  };
  thread_local const std::unique_ptr<sb_stemmer, Delete> stemmer(sb_stemmer_new("english", "UTF_8"));
  if (!stemmer) throw std::runtime_error("libstemmer has no English stemmer");
  const auto* stemmed = sb_stemmer_stem(stemmer.get(), reinterpret_cast<const sb_symbol*>(word.data()),
                                        static_cast<int>(word.size()));
  return {reinterpret_cast<const char*>(stemmed), static_cast<std::size_t>(sb_stemmer_length(stemmer.get()))};
}

// Calls back with each lower-cased word. Long words are cut at a character.
template <class OnWord>
void split_words(std::string_view text, OnWord on_word) {
  std::string word;
  const auto finish = [&] {
    if (!word.empty()) on_word(word);
    word.clear();
  };
  while (!text.empty()) {
    const auto c = next_code_point(text);
    if (!is_word(c)) {
      finish();
      continue;
    }
    const bool alone = is_unspaced(c);
    if (alone) finish();
    const auto before = word.size();
    append_utf8(word, to_lower(c));
    if (word.size() > kMaxTermBytes) word.resize(before);
    if (alone) finish();
  }
  finish();
}

bool is_ascii_word(const std::string& word) {
  return std::all_of(word.begin(), word.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

}  // namespace

std::vector<std::string> analyze(std::string_view text) {
  std::vector<std::string> terms;
  std::vector<std::string> stop_words;
  split_words(text, [&](const std::string& word) {
    if (is_stop_word(word)) {
      if (terms.empty()) stop_words.push_back(word);
    } else {
      terms.push_back(is_ascii_word(word) ? stem(word) : word);
    }
  });
  // "Who are you?" has nothing else to be found by.
  return terms.empty() ? stop_words : terms;
}

Features extract_features(std::string_view text, const Embedder& embedder, ChunkOptions options) {
  Features features{analyze(text), {}};
  for (const auto chunk : split_text(text, embedder.max_bytes(), options)) {
    const auto vector = embedder.embed(chunk);
    features.vectors.insert(features.vectors.end(), vector.begin(), vector.end());
  }
  return features;
}

}  // namespace holdfast::text
