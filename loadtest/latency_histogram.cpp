#include "latency_histogram.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace loadtest {
namespace {

// Values below 256 ns have a bucket each; above, 128 buckets an octave.
constexpr std::uint64_t kLinear = 256, kPerOctave = kLinear / 2;
constexpr std::size_t kBuckets = kLinear + kPerOctave * 56;

std::size_t bucket_of(std::uint64_t ns) {
  if (ns < kLinear) return ns;
  const auto shift = static_cast<unsigned>(std::bit_width(ns)) - 8;
  return kLinear + (shift - 1) * kPerOctave + ((ns >> shift) - kPerOctave);
}

std::uint64_t end_of(std::size_t bucket) {
  if (bucket < kLinear) return bucket;
  const auto shift = (bucket - kLinear) / kPerOctave + 1;
  const auto top = (bucket - kLinear) % kPerOctave + kPerOctave;
  return ((top + 1) << shift) - 1;
}

}  // namespace

LatencyHistogram::LatencyHistogram() : counts_(kBuckets) {}

void LatencyHistogram::record(Duration latency) {
  const auto ns = static_cast<std::uint64_t>(std::max<std::int64_t>(latency.count(), 0));
  ++counts_[bucket_of(ns)];
  ++count_;
  sum_ns_ += ns;
  max_ns_ = std::max(max_ns_, ns);
}

void LatencyHistogram::merge(const LatencyHistogram& other) {
  for (std::size_t i = 0; i < counts_.size(); ++i) counts_[i] += other.counts_[i];
  count_ += other.count_;
  sum_ns_ += other.sum_ns_;
  max_ns_ = std::max(max_ns_, other.max_ns_);
}

void LatencyHistogram::clear() {
  std::fill(counts_.begin(), counts_.end(), 0);
  count_ = sum_ns_ = max_ns_ = 0;
}

Duration LatencyHistogram::mean() const {
  return Duration(count_ == 0 ? 0 : sum_ns_ / count_);
}

Duration LatencyHistogram::percentile(double share) const {
  if (count_ == 0) return Duration(0);
  const auto wanted = std::clamp<std::uint64_t>(
      static_cast<std::uint64_t>(std::ceil(share * static_cast<double>(count_))), 1, count_);
  std::uint64_t seen = 0;
  std::size_t bucket = 0;
  while ((seen += counts_[bucket]) < wanted) ++bucket;
  return Duration(std::min(end_of(bucket), max_ns_));
}

std::vector<std::pair<Duration, std::uint64_t>> LatencyHistogram::buckets() const {
  std::vector<std::pair<Duration, std::uint64_t>> filled;
  for (std::size_t i = 0; i < counts_.size(); ++i) {
    if (counts_[i] != 0) filled.emplace_back(Duration(end_of(i)), counts_[i]);
  }
  return filled;
}

}  // namespace loadtest
