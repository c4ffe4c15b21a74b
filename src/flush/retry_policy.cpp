#include "holdfast/flush/retry_policy.hpp"

#include <algorithm>

namespace holdfast::flush {

std::chrono::milliseconds longest_delay(const Options& options, unsigned attempt) {
  if (attempt <= options.retry_attempts) return std::min(options.retry_delay, options.max_retry_delay);
  const unsigned doublings = std::min(attempt - options.retry_attempts, 20u);
  return std::min(options.retry_delay * (1 << doublings), options.max_retry_delay);
}

std::chrono::milliseconds retry_delay(const Options& options, unsigned attempt, std::uint64_t random) {
  const auto longest = longest_delay(options, attempt);
  const auto least = longest / 10;
  const auto span = static_cast<std::uint64_t>((longest - least).count()) + 1;
  return least + std::chrono::milliseconds{static_cast<std::int64_t>(random % span)};
}

}  // namespace holdfast::flush
