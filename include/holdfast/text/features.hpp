// What retrieval knows of a text: its index terms and the vectors of its chunks. The same for
// buffered and stored items and for queries, so that one scorer serves all sources.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "holdfast/text/analysed_text.hpp"
#include "holdfast/text/chunker.hpp"
#include "holdfast/text/embedder.hpp"

namespace holdfast::text {

struct Features {
  Terms terms;  // the document length of BM25 is terms.size()
  // The vectors of the text's chunks back to back, each of the embedder's dimensions; empty: none. What
  // similarity_to_chunks() takes, and what a store keeps as it is.
  std::vector<std::int8_t> vectors;
  bool vector_pending = false;  // they are still to come, from a deferred embedder

  std::size_t bytes() const;  // that it takes, its own storage included
};
using SharedFeatures = std::shared_ptr<const Features>;

// Every chunk of the text with something to embed has a vector. Thread-safe when the embedder is.
Features extract_features(std::string_view text, const Embedder& embedder, ChunkOptions options = {});
SharedFeatures shared_features(std::string_view text, const Embedder& embedder, ChunkOptions options = {});

}  // namespace holdfast::text
