#include <libstemmer.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <stdexcept>

#include "holdfast/text/features.hpp"
#include "holdfast/text/words.hpp"
#include "index_words.hpp"

namespace holdfast::text {
namespace {

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

// Chat repeats its words: of every ten, eight or nine are still in such a table of the thread.
const std::string& recent_stem(const std::string& word) {
  struct Stemmed {
    std::string word, stem;
  };
  thread_local std::vector<Stemmed> recent(1024);
  auto& slot = recent[std::hash<std::string>{}(word) % recent.size()];
  if (slot.word != word) slot = {word, stem(word)};
  return slot.stem;
}

bool is_ascii_word(const std::string& word) {
  return std::all_of(word.begin(), word.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

}  // namespace

std::vector<std::string> analyze(std::string_view text) {
  std::vector<std::string> terms;
  std::vector<std::string> stop_words;
  split_index_words(text, [&](const std::string& word) {
    if (is_stop_word(word)) {
      if (terms.empty()) stop_words.push_back(word);
    } else {
      terms.push_back(is_ascii_word(word) ? recent_stem(word) : word);
    }
  });
  // "Who are you?" has nothing else to be found by.
  return terms.empty() ? stop_words : terms;
}

std::size_t Features::bytes() const {
  std::size_t bytes = sizeof(Features) + vectors.capacity() + terms.capacity() * sizeof(std::string);
  const auto in_place = std::string().capacity();
  for (const auto& term : terms) bytes += term.capacity() > in_place ? term.capacity() + 1 : 0;
  return bytes;
}

Features extract_features(std::string_view text, const Embedder& embedder, ChunkOptions options) {
  Features features{analyze(text), {}, false};
  for (const auto chunk : split_text(text, embedder.max_bytes(), options)) {
    const auto vector = embedder.embed(chunk);
    features.vectors.insert(features.vectors.end(), vector.begin(), vector.end());
  }
  const bool blank = text.find_first_not_of(" \t\r\n") == std::string_view::npos;
  features.vector_pending = embedder.deferred() && !blank;
  return features;
}

SharedFeatures shared_features(std::string_view text, const Embedder& embedder, ChunkOptions options) {
  return std::make_shared<const Features>(extract_features(text, embedder, options));
}

}  // namespace holdfast::text
