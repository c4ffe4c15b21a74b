// When to try a failed store write again: exponential with full jitter ("Exponential Backoff And Jitter", AWS
// Architecture Blog, 2015). A batch is never dropped for having failed often.
#pragma once

#include <chrono>
#include <cstdint>

#include "holdfast/flush/options.hpp"

namespace holdfast::flush {

// The longest wait before try number attempt + 1: retry_delay for the fast retries (attempt 1 …
// retry_attempts), then doubling up to max_retry_delay.
std::chrono::milliseconds longest_delay(const Options& options, unsigned attempt);

// A wait between a tenth of the longest and the longest. random: 64 uniform bits.
std::chrono::milliseconds retry_delay(const Options& options, unsigned attempt, std::uint64_t random);

}  // namespace holdfast::flush
