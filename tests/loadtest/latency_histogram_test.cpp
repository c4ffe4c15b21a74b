#include "latency_histogram.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

namespace loadtest {
namespace {

TEST(LatencyHistogram, IsEmptyAtFirst) {
  const LatencyHistogram histogram;
  EXPECT_EQ(histogram.count(), 0u);
  EXPECT_EQ(histogram.percentile(0.99), Duration(0));
  EXPECT_EQ(histogram.mean(), Duration(0));
}

TEST(LatencyHistogram, SmallValuesAreExact) {
  LatencyHistogram histogram;
  for (int ns = 1; ns <= 100; ++ns) histogram.record(Duration(ns));
  EXPECT_EQ(histogram.percentile(0.5), Duration(50));
  EXPECT_EQ(histogram.percentile(0.99), Duration(99));
  EXPECT_EQ(histogram.percentile(1), Duration(100));
  EXPECT_EQ(histogram.mean(), Duration(50));
}

TEST(LatencyHistogram, PercentilesAreWithinABucketOfTheSortedValues) {
  std::mt19937_64 random(3);
  std::lognormal_distribution<double> distribution(13, 2);
  LatencyHistogram histogram;
  std::vector<std::int64_t> values;
  for (int i = 0; i < 20000; ++i) {
    values.push_back(static_cast<std::int64_t>(distribution(random)));
    histogram.record(Duration(values.back()));
  }
  std::sort(values.begin(), values.end());
  for (const double share : {0.01, 0.5, 0.9, 0.95, 0.99, 0.999}) {
    const auto rank = static_cast<std::size_t>(std::ceil(share * static_cast<double>(values.size())));
    const auto exact = values[rank - 1];
    const auto found = histogram.percentile(share).count();
    EXPECT_GE(found, exact) << share;
    EXPECT_LE(found, exact + exact / 128 + 1) << share;
  }
  EXPECT_EQ(histogram.max().count(), values.back());
}

TEST(LatencyHistogram, TakesTheLongestAndANegativeDuration) {
  LatencyHistogram histogram;
  histogram.record(Duration::max());
  histogram.record(Duration(-5));
  EXPECT_EQ(histogram.percentile(1), Duration::max());
  EXPECT_EQ(histogram.percentile(0.5), Duration(0));
}

TEST(LatencyHistogram, MergedIsAsIfRecordedTogether) {
  LatencyHistogram a, b, both;
  for (int i = 1; i < 1000; ++i) {
    (i % 3 == 0 ? a : b).record(std::chrono::microseconds(i));
    both.record(std::chrono::microseconds(i));
  }
  a.merge(b);
  EXPECT_EQ(a.buckets(), both.buckets());
  EXPECT_EQ(a.mean(), both.mean());
  EXPECT_EQ(a.max(), both.max());
  a.clear();
  EXPECT_TRUE(a.buckets().empty());
}

}  // namespace
}  // namespace loadtest
