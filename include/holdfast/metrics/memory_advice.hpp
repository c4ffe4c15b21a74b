// Which setting to change when memory is short, from what the monitor knows.
//
// Asked for: at any level above normal, or where resident memory reaches its limit within kSoon as it grows
// now. Then
//
//   what                                               setting
//   a part takes more than a quarter of what is        buffer.query.cache_size, store.sqlite.cache_bytes or
//   accounted for: query cache, item cache, requests   server.limits.inflight_bytes: lower
//   the buffers take more than half of it              memory.max_buffer_mb: lower, unless that is the limit
//   accounted memory is at its own limit               memory.max_buffer_mb: raise
//   resident memory is at its limit                    memory.max_process_mb: raise
//   everything at its limit would take more than the   memory.max_buffer_mb: lower
//   process may (estimated_peak)
//   machine, container or address space are short      memory.max_buffer_mb: lower, or give it more
//
// and at any level, where one user has more than half of the buffers and these are more than half full:
// memory.user_share: lower.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "holdfast/memory/watch.hpp"
#include "holdfast/metrics/accounted.hpp"

namespace holdfast::metrics {

inline constexpr std::chrono::hours kSoon{1};

struct Suggestion {
  std::string_view setting;  // a key of the configuration
  std::string text;          // which way, and why
};

// largest_user: bytes that the user who has the most of them has in the buffers. estimated_peak:
// metrics/memory_estimate.hpp. No key comes twice.
std::vector<Suggestion> suggest(const memory::Report& report,
                                const PerLabel<Component, std::uint64_t>& accounted,
                                std::uint64_t largest_user, std::uint64_t estimated_peak);

}  // namespace holdfast::metrics
