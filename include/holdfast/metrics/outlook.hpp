// How much more the daemon can take, from what it did lately.
//
// time_to_full = (limit - buffered) / growth: until the buffers' byte budget is used up, when they go on
// growing as they did on average over the time that the summary covers. None when they do not grow, or not
// within a day.
//
// at_twice_the_load = 2 × the utilization of the kind of thread that is busiest: the busiest shard (CPU
// time), the journal thread (CPU time and syncs), the flush workers (time in store writes, of all of them).
// Work is taken to grow in proportion, which errs on the safe side: the journal's and the store's groups grow
// with the load, so that twice the messages do not take twice the syncs. headroom = 1 - at_twice_the_load;
// below 0, twice the load does not fit.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "holdfast/metrics/summary.hpp"

namespace holdfast::metrics {

struct Outlook {
  std::optional<double> seconds_to_full;
  std::string_view busiest;  // "shard", "journal" or "flush"; empty when nothing is known
  std::optional<double> at_twice_the_load, headroom;
};

Outlook foresee(const Summary& summary, std::uint64_t buffer_limit_bytes);

}  // namespace holdfast::metrics
