// What was computed of a user's buffered messages for retrieval, by message id. One shard's thread.
#pragma once

#include <cstddef>
#include <iterator>
#include <string>
#include <string_view>

#include "holdfast/engine/string_map.hpp"
#include "holdfast/metrics/counter.hpp"
#include "holdfast/text/features.hpp"

namespace holdfast::engine {

class KeptFeatures {
 public:
  // bytes: of all users of the shard; must outlive this.
  explicit KeptFeatures(metrics::Counter& bytes) : all_bytes_(bytes) {}
  KeptFeatures(const KeptFeatures&) = delete;
  KeptFeatures& operator=(const KeptFeatures&) = delete;
  ~KeptFeatures() { all_bytes_.subtract(bytes_); }

  text::SharedFeatures find(std::string_view id) const;          // null: none are kept
  void put(std::string_view id, text::SharedFeatures features);  // in place of what there is
  void erase(std::string_view id);
  // Erases entries that `may_go` says true of until so many bytes are free. Answer: those that became so.
  template <class MayGo>
  std::size_t erase_some(std::size_t bytes, MayGo may_go) {
    const auto before = bytes_;
    for (auto entry = by_id_.begin(); entry != by_id_.end() && before - bytes_ < bytes;) {
      entry = may_go(*entry->second) ? erase(entry) : std::next(entry);
    }
    return before - bytes_;
  }
  bool empty() const { return by_id_.empty(); }
  std::size_t bytes() const { return bytes_; }

 private:
  using ById = StringMap<text::SharedFeatures>;
  ById::iterator erase(ById::iterator entry);
  void count(std::size_t before, std::size_t after);

  ById by_id_;
  std::size_t bytes_ = 0;
  metrics::Counter& all_bytes_;
};

}  // namespace holdfast::engine
