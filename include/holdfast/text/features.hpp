// What retrieval knows of a text: its index terms and the vectors of its chunks. Computed once per text by a
// FeatureExtractor, the same for buffered and stored items and for queries, so that one scorer serves all
// sources.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "holdfast/text/chunker.hpp"
#include "holdfast/text/embedder.hpp"

namespace holdfast::text {

struct Features {
  // Stems of the content words in order, repeats kept; each is [a-z0-9] or bytes >= 0x80, never empty, at
  // most 64 bytes. The document length of BM25 is terms.size().
  std::vector<std::string> terms;
  // The vectors of the text's chunks back to back, each of the embedder's dimensions; empty: none. What
  // similarity_to_chunks() takes, and what a store keeps as it is.
  std::vector<std::int8_t> vectors;
  bool vector_pending = false;  // they are still to come, from a deferred embedder

  std::size_t bytes() const;  // that it takes, its own storage included
};
using SharedFeatures = std::shared_ptr<const Features>;

// Lower-cased words, split at everything that is neither letter nor digit, English stop words removed,
// Snowball English
// ("Porter2") stems. Characters of scripts without spaces between words (Chinese, Japanese, Thai, …) and
// emoji are terms of their own. A text of nothing but stop words keeps them, so that it can be found.
// Deterministic; kAnalyzerVersion changes when the same text gives other terms (stored indexes made by
// another version must be rebuilt).
inline constexpr int kAnalyzerVersion = 1;
std::vector<std::string> analyze(std::string_view text);

// Every chunk of the text with something to embed has a vector. Thread-safe when the embedder is.
Features extract_features(std::string_view text, const Embedder& embedder, ChunkOptions options = {});
SharedFeatures shared_features(std::string_view text, const Embedder& embedder, ChunkOptions options = {});

}  // namespace holdfast::text
