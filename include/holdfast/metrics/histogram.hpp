// A log-linear histogram (eight buckets an octave, so a percentile is right within 12.5 % upwards) of
// non-negative integers: nanoseconds, bytes, counts. Any readers, like Counter.
#pragma once

#include <array>
#include <bit>
#include <cstdint>

#include "holdfast/metrics/counter.hpp"

namespace holdfast::metrics {

// A copy at one moment; the difference of two is what happened between them, the sum of several shards' is
// the whole.
struct HistogramSnapshot {
  static constexpr int kSubBuckets = 8;
  static constexpr int kBuckets = 8 + 41 * kSubBuckets;  // up to 2^44 - 1; above counts in the last

  std::array<std::uint64_t, kBuckets> counts{};
  std::uint64_t count = 0;
  std::uint64_t sum = 0;

  // Largest value that belongs to bucket i.
  static constexpr std::uint64_t upper_bound(int bucket) {
    if (bucket < 8) return static_cast<std::uint64_t>(bucket);
    const int octave = (bucket - 8) / kSubBuckets;
    const int step = (bucket - 8) % kSubBuckets;
    return ((std::uint64_t{8} + static_cast<std::uint64_t>(step) + 1) << octave) - 1;
  }
  static constexpr int bucket_of(std::uint64_t value) {
    if (value < 8) return static_cast<int>(value);
    const int octave = std::bit_width(value) - 4;
    if (octave >= 41) return kBuckets - 1;
    return 8 + octave * kSubBuckets + static_cast<int>((value >> octave) - 8);
  }

  HistogramSnapshot& operator+=(const HistogramSnapshot& other);
  HistogramSnapshot& operator-=(const HistogramSnapshot& earlier);
  std::uint64_t percentile(double p) const;  // p in 0…1; upper bound of the bucket; 0 when empty
  double mean() const;                       // 0 when empty
  std::uint64_t count_at_most(std::uint64_t value) const;  // to the bucket's resolution
};

// One writer with Counter, several with SharedCounter.
template <class C>
class BasicHistogram {
 public:
  void record(std::uint64_t value) {
    counts_[static_cast<std::size_t>(HistogramSnapshot::bucket_of(value))].add();
    sum_.add(value);
  }
  HistogramSnapshot snapshot() const;
  std::uint64_t sum() const { return sum_.value(); }

 private:
  std::array<C, HistogramSnapshot::kBuckets> counts_{};
  C sum_;
};

using Histogram = BasicHistogram<Counter>;
using SharedHistogram = BasicHistogram<SharedCounter>;

}  // namespace holdfast::metrics
