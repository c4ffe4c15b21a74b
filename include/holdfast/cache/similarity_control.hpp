// The working threshold of similar hits: raised while verified hits are false more often than max_error,
// lowered again, never below the configured one, while they surely are not.
//
// A verified hit is false when the answer it gave and the answer of a real search share less than
// kLeastOverlap of the latter's results (overlap@k, k the results asked for). What "surely" means is Wilson's
// 95 % interval (metrics/proportion.hpp) over the hits verified since the threshold last moved: above
// max_error as a whole, half of what is missing to 1 is added; below it as a whole, a quarter of the way back
// is gone. One shard's thread.
#pragma once

#include <cstdint>
#include <random>
#include <span>
#include <string>

#include "holdfast/cache/options.hpp"
#include "holdfast/metrics/probes.hpp"
#include "holdfast/model/types.hpp"

namespace holdfast::cache {

inline constexpr double kLeastOverlap = 0.8;  // of five results, four

// The share of the true results (0…1) that were served; 1 when there are none to serve and none were.
double overlap(std::span<const ScoredResult> served, std::span<const ScoredResult> found);

class SimilarityControl {
 public:
  // probe must outlive this.
  SimilarityControl(const Options& options, metrics::AnswerCacheProbe& probe);
  void reconfigure(const Options& options);  // from the configured threshold again

  double threshold() const { return threshold_; }
  bool chooses_to_verify();  // a random verify_fraction of the calls
  void verified(double overlap);

 private:
  void move_to(double threshold);

  double configured_ = 0, max_error_ = 0, verify_fraction_ = 0;
  double threshold_ = 0;
  std::uint64_t hits_ = 0, false_hits_ = 0;  // verified at this threshold
  std::minstd_rand random_;
  metrics::AnswerCacheProbe& probe_;
};

}  // namespace holdfast::cache
