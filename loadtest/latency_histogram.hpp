// Latencies in buckets whose width is at most 1/128 of their value (the log-linear layout known from
// HdrHistogram), so that a percentile is right to 0.8 % whatever the range, at a fixed 60 kB and a few
// instructions a record.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace loadtest {

using Duration = std::chrono::nanoseconds;

class LatencyHistogram {
 public:
  LatencyHistogram();

  // A negative duration counts as 0.
  void record(Duration latency);
  void merge(const LatencyHistogram& other);
  void clear();

  std::uint64_t count() const { return count_; }
  Duration max() const { return Duration(max_ns_); }
  Duration mean() const;
  // Nearest rank: the least value that at least `share` (0…1) of the records do not exceed, rounded up to its
  // bucket's end, never above max(). 0 when empty.
  Duration percentile(double share) const;
  // Upper end and count of each bucket that is not empty, in order.
  std::vector<std::pair<Duration, std::uint64_t>> buckets() const;

 private:
  std::vector<std::uint64_t> counts_;
  std::uint64_t count_ = 0, sum_ns_ = 0, max_ns_ = 0;
};

}  // namespace loadtest
