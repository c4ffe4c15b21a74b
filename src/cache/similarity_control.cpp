#include "holdfast/cache/similarity_control.hpp"

#include <algorithm>
#include <cmath>
#include <unordered_set>

#include "holdfast/metrics/proportion.hpp"

namespace holdfast::cache {

double overlap(std::span<const ScoredResult> served, std::span<const ScoredResult> found) {
  if (found.empty()) return served.empty() ? 1 : 0;
  std::unordered_set<std::string_view> ids;
  for (const auto& result : served) ids.insert(result.id);
  const auto shared = std::count_if(found.begin(), found.end(),
                                    [&](const ScoredResult& result) { return ids.contains(result.id); });
  return static_cast<double>(shared) / static_cast<double>(found.size());
}

SimilarityControl::SimilarityControl(const Options& options, metrics::AnswerCacheProbe& probe)
    : probe_(probe) {
  reconfigure(options);
}

void SimilarityControl::reconfigure(const Options& options) {
  configured_ = options.similarity_threshold;
  max_error_ = options.max_error;
  verify_fraction_ = options.verify_fraction;
  move_to(configured_);
}

bool SimilarityControl::chooses_to_verify() {
  return std::uniform_real_distribution<double>()(random_) < verify_fraction_;
}

void SimilarityControl::verified(double overlap) {
  const bool is_false = overlap < kLeastOverlap;
  ++hits_;
  probe_.verified.add();
  if (is_false) {
    ++false_hits_;
    probe_.false_hits.add();
  }
  const auto rate = metrics::wilson_interval(false_hits_, hits_);
  if (rate.low > max_error_) {
    move_to(threshold_ + (1 - threshold_) / 2);
  } else if (rate.high < max_error_ && threshold_ > configured_) {
    move_to(threshold_ - (threshold_ - configured_) / 4);
  }
}

void SimilarityControl::move_to(double threshold) {
  threshold_ = threshold;
  hits_ = false_hits_ = 0;
  probe_.threshold_ppm.set(static_cast<std::uint64_t>(std::lround(threshold * 1e6)));
}

}  // namespace holdfast::cache
