#include "holdfast/metrics/histogram.hpp"

#include <algorithm>
#include <cmath>

namespace holdfast::metrics {

HistogramSnapshot& HistogramSnapshot::operator+=(const HistogramSnapshot& other) {
  for (std::size_t i = 0; i < counts.size(); ++i) counts[i] += other.counts[i];
  count += other.count;
  sum += other.sum;
  return *this;
}

HistogramSnapshot& HistogramSnapshot::operator-=(const HistogramSnapshot& earlier) {
  for (std::size_t i = 0; i < counts.size(); ++i) counts[i] -= earlier.counts[i];
  count -= earlier.count;
  sum -= earlier.sum;
  return *this;
}

std::uint64_t HistogramSnapshot::percentile(double p) const {
  if (count == 0) return 0;
  const double exact_rank = std::ceil(std::clamp(p, 0.0, 1.0) * static_cast<double>(count));
  const auto rank = std::clamp<std::uint64_t>(static_cast<std::uint64_t>(exact_rank), 1, count);
  std::uint64_t seen = 0;
  for (int bucket = 0; bucket < kBuckets; ++bucket) {
    seen += counts[static_cast<std::size_t>(bucket)];
    if (seen >= rank) return upper_bound(bucket);
  }
  return upper_bound(kBuckets - 1);
}

double HistogramSnapshot::mean() const {
  return count == 0 ? 0.0 : static_cast<double>(sum) / static_cast<double>(count);
}

std::uint64_t HistogramSnapshot::count_at_most(std::uint64_t value) const {
  std::uint64_t seen = 0;
  for (int bucket = 0; bucket < kBuckets && upper_bound(bucket) <= value; ++bucket) {
    seen += counts[static_cast<std::size_t>(bucket)];
  }
  return seen;
}

// `count` is the sum of what was read, so buckets and count agree while the writer goes on.
template <class C>
HistogramSnapshot BasicHistogram<C>::snapshot() const {
  HistogramSnapshot copy;
  copy.sum = sum_.value();
  for (std::size_t i = 0; i < counts_.size(); ++i) {
    copy.counts[i] = counts_[i].value();
    copy.count += copy.counts[i];
  }
  return copy;
}

template class BasicHistogram<Counter>;
template class BasicHistogram<SharedCounter>;

}  // namespace holdfast::metrics
