// What was computed of a user's buffered messages for retrieval, by message id. One shard's thread.
#pragma once

#include <cstddef>
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
  bool empty() const { return by_id_.empty(); }
  std::size_t bytes() const { return bytes_; }

 private:
  void count(std::size_t before, std::size_t after);

  StringMap<text::SharedFeatures> by_id_;
  std::size_t bytes_ = 0;
  metrics::Counter& all_bytes_;
};

}  // namespace holdfast::engine
