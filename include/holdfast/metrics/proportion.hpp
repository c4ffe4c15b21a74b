// A proportion from a sample, with what it may really be.
#pragma once

#include <cstdint>

namespace holdfast::metrics {

struct Interval {
  double low = 0, high = 1;
};

// Wilson's score interval at 95 % (Wilson 1927, "Probable Inference, the Law of Succession, and Statistical
// Inference"): sound for few trials and proportions near 0. Nothing known (no trials): 0 to 1.
Interval wilson_interval(std::uint64_t successes, std::uint64_t trials);

}  // namespace holdfast::metrics
