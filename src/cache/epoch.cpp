#include "holdfast/cache/epoch.hpp"

#include <algorithm>

namespace holdfast::cache {

void Epoch::restart(std::uint64_t number) {
  *this = Epoch();
  number_ = number;
}

bool Epoch::note_change(std::string_view id) {
  if (!watched_) return true;
  changed_.emplace_back(id);
  const auto tenth = size_ ? size_->documents / 10 : kMostChanges;
  return changed_.size() < std::clamp<std::size_t>(tenth, kFewestChanges, kMostChanges);
}

text::FrozenStats Epoch::frozen(std::span<const std::string> terms) const {
  text::FrozenStats stats;
  stats.size = size_;
  for (const auto& term : terms) {
    const auto known = document_frequency_.find(term);
    stats.document_frequency.push_back(known == document_frequency_.end() ? std::nullopt
                                                                          : std::optional(known->second));
  }
  return stats;
}

bool Epoch::adopt(std::span<const std::string> terms, const text::CorpusStats& used) {
  if (terms.size() > kMostTerms) return false;
  if (!size_) size_ = {used.documents, used.total_length};
  bool same = size_->documents == used.documents && size_->total_length == used.total_length;
  for (std::size_t i = 0; i < terms.size(); ++i) {
    const auto frequency = i < used.document_frequency.size() ? used.document_frequency[i] : 0;
    const auto known = document_frequency_.find(terms[i]);
    if (known != document_frequency_.end()) {
      same = same && known->second == frequency;
    } else {
      document_frequency_.emplace(terms[i], frequency);
    }
  }
  return same;
}

}  // namespace holdfast::cache
