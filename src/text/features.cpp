#include "holdfast/text/features.hpp"

namespace holdfast::text {

std::size_t Features::bytes() const {
  return sizeof(Features) + vectors.capacity() + terms.joined().capacity();
}

Features extract_features(std::string_view text, const Embedder& embedder, ChunkOptions options) {
  const AnalysedText analysed(text);
  Features features{analysed.terms(), {}, false};  // a copy has no room to spare
  if (text.size() <= embedder.max_bytes()) {
    features.vectors = embedder.embed(analysed);
  } else if (!embedder.deferred()) {
    for (const auto chunk : split_text(text, embedder.max_bytes(), options)) {
      const auto vector = embedder.embed(chunk);
      features.vectors.insert(features.vectors.end(), vector.begin(), vector.end());
    }
  }
  const bool blank = text.find_first_not_of(" \t\r\n") == std::string_view::npos;
  features.vector_pending = embedder.deferred() && !blank;
  return features;
}

SharedFeatures shared_features(std::string_view text, const Embedder& embedder, ChunkOptions options) {
  return std::make_shared<const Features>(extract_features(text, embedder, options));
}

}  // namespace holdfast::text
