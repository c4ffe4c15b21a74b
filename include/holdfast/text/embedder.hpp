// Texts to vectors. A vector carries its meaning only together with the model that made it: vectors of
// different fingerprints are never compared. A failed embedding is an empty vector, never a made-up one.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "holdfast/text/analysed_text.hpp"

namespace holdfast::text {

// Components scaled so that the largest magnitude is 127; cosine is taken on the integers, so the scale
// cancels.
using Embedding = std::vector<std::int8_t>;

// Thread-safe.
class Embedder {
 public:
  virtual ~Embedder() = default;
  virtual std::string_view fingerprint() const = 0;  // names model, version and dimensions
  virtual std::size_t dimensions() const = 0;
  // A longer text is split into chunks with a vector each (text/chunker.hpp). Here as long as a mean over
  // words says anything: a few paragraphs. A model with a limit in tokens may answer that many bytes, as a
  // token has at least one.
  virtual std::size_t max_bytes() const { return 2048; }
  // True: vectors come later and from elsewhere (a server); embed() gives none.
  virtual bool deferred() const { return false; }
  // Does not block. Empty when the text has nothing to embed (no letters or digits). Takes a text of any
  // length whole.
  virtual Embedding embed(const AnalysedText& text) const = 0;
  Embedding embed(std::string_view text) const { return embed(AnalysedText(text)); }
};

// Scaled and rounded to that; empty when all components are 0, or as good as that (below 1e-30). They are
// finite.
Embedding quantise(std::span<const float> components);

// The mean of unit vectors of one size, by weight; empty when it is 0 or there are none.
Embedding weighted_mean(std::span<const Embedding> vectors, std::span<const double> weights);

// Cosine similarity, 0 when either is empty; negative values are clamped to 0.
double similarity(const Embedding& a, const Embedding& b);

// An item's similarity to a query: the largest over its chunks, whose vectors lie back to back, each of
// query.size() components. 0 when either is empty or the sizes do not fit.
double similarity_to_chunks(const Embedding& query, std::span<const std::int8_t> chunks);

// No network, no files: 612 dimensions. The first 100 are the mean of static English word vectors, weighted
// by inverse frequency, so that texts of like meaning are alike in English only; the other 512 are hashed
// character n-grams, for names, other languages and words that the vectors do not know. Texts of any length
// are taken whole, in linear time.
const Embedder& builtin_embedder();

}  // namespace holdfast::text
