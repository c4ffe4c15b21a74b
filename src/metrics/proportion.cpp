#include "holdfast/metrics/proportion.hpp"

#include <cmath>

namespace holdfast::metrics {

Interval wilson_interval(std::uint64_t successes, std::uint64_t trials) {
  if (trials == 0) return {};
  constexpr double kZ = 1.959964;  // of the normal distribution, 95 % two-sided
  const double n = static_cast<double>(trials);
  const double p = static_cast<double>(successes) / n;
  const double scale = 1 + kZ * kZ / n;
  const double centre = (p + kZ * kZ / (2 * n)) / scale;
  const double half = kZ / scale * std::sqrt(p * (1 - p) / n + kZ * kZ / (4 * n * n));
  // Exact at the ends, where rounding would be off by a little.
  return {successes == 0 ? 0 : centre - half, successes == trials ? 1 : centre + half};
}

}  // namespace holdfast::metrics
