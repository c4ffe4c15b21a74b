// Corpus statistics that are to be used instead of the present ones, as far as they are known.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "holdfast/text/scorer.hpp"

namespace holdfast::text {

struct FrozenStats {
  struct Size {
    std::uint64_t documents = 0;
    std::uint64_t total_length = 0;
  };
  std::optional<Size> size;
  std::vector<std::optional<std::uint64_t>> document_frequency;  // per query term; may be shorter

  // Puts what is known here over the present statistics of the same query.
  void put_over(CorpusStats& stats) const {
    if (size) {
      stats.documents = size->documents;
      stats.total_length = size->total_length;
    }
    if (stats.document_frequency.size() < document_frequency.size()) {
      stats.document_frequency.resize(document_frequency.size());
    }
    for (std::size_t i = 0; i < document_frequency.size(); ++i) {
      if (document_frequency[i]) stats.document_frequency[i] = *document_frequency[i];
    }
  }
};

}  // namespace holdfast::text
