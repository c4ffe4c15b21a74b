#include "holdfast/metrics/histogram.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <random>
#include <thread>
#include <vector>

namespace holdfast::metrics {
namespace {

// Values of every size, from 0 to past the last bucket.
std::vector<std::uint64_t> values_of_every_size() {
  std::mt19937_64 random(7);
  std::vector<std::uint64_t> values = {0, 1, 7, 8, 15, 16, 17, 18};
  for (int bits = 4; bits < 44; ++bits) {
    const auto power = std::uint64_t{1} << bits;
    values.insert(values.end(), {power - 1, power, power + 1});
    for (int i = 0; i < 20; ++i) values.push_back(power + random() % power);
  }
  std::erase_if(values, [](std::uint64_t value) { return value >= std::uint64_t{1} << 44; });
  return values;
}

TEST(Histogram, EveryValueBelongsToTheFirstBucketThatReachesIt) {
  for (const auto value : values_of_every_size()) {
    const int bucket = HistogramSnapshot::bucket_of(value);
    ASSERT_LE(value, HistogramSnapshot::upper_bound(bucket)) << value;
    if (bucket > 0) {
      ASSERT_GT(value, HistogramSnapshot::upper_bound(bucket - 1)) << value;
    }
  }
}

TEST(Histogram, ValuesPastTheEndCountInTheLastBucket) {
  Histogram histogram;
  histogram.record(~std::uint64_t{0} >> 1);
  const auto snapshot = histogram.snapshot();
  EXPECT_EQ(snapshot.counts.back(), 1u);
  EXPECT_EQ(snapshot.percentile(0.5), (std::uint64_t{1} << 44) - 1);
}

TEST(Histogram, PercentilesReadHighByAtMostAnEighth) {
  Histogram histogram;
  auto values = values_of_every_size();
  for (const auto value : values) histogram.record(value);
  std::sort(values.begin(), values.end());
  const auto snapshot = histogram.snapshot();
  for (const double p : {0.01, 0.25, 0.5, 0.9, 0.95, 0.99, 1.0}) {
    const auto rank = static_cast<std::size_t>(std::ceil(p * static_cast<double>(values.size())));
    const auto exact = values[rank - 1];
    EXPECT_GE(snapshot.percentile(p), exact) << p;
    EXPECT_LE(snapshot.percentile(p), exact + exact / 8) << p;
  }
}

TEST(Histogram, PercentilesOfFewValuesAreOneOfThem) {
  Histogram histogram;
  for (const std::uint64_t value : {1, 2, 3, 4}) histogram.record(value);
  const auto snapshot = histogram.snapshot();
  EXPECT_EQ(snapshot.percentile(0.0), 1u);
  EXPECT_EQ(snapshot.percentile(0.5), 2u);
  EXPECT_EQ(snapshot.percentile(0.75), 3u);
  EXPECT_EQ(snapshot.percentile(0.76), 4u);
  EXPECT_EQ(snapshot.percentile(1.0), 4u);
  EXPECT_DOUBLE_EQ(snapshot.mean(), 2.5);
}

TEST(Histogram, EmptyIsZero) {
  const HistogramSnapshot empty;
  EXPECT_EQ(empty.percentile(0.99), 0u);
  EXPECT_DOUBLE_EQ(empty.mean(), 0.0);
  EXPECT_EQ(empty.count_at_most(~std::uint64_t{0}), 0u);
}

TEST(Histogram, CountAtMostIsExactAtTheEndsOfOctavesAndNeverHigh) {
  Histogram histogram;
  const auto values = values_of_every_size();
  for (const auto value : values) histogram.record(value);
  const auto snapshot = histogram.snapshot();
  const auto exact = [&](std::uint64_t bound) {
    return static_cast<std::uint64_t>(
        std::count_if(values.begin(), values.end(), [&](std::uint64_t value) { return value <= bound; }));
  };
  for (int bits = 1; bits <= 44; ++bits) {
    const auto bound = (std::uint64_t{1} << bits) - 1;
    EXPECT_EQ(snapshot.count_at_most(bound), exact(bound)) << bound;
  }
  for (const std::uint64_t bound : {100'000, 250'000, 1'000'000}) {
    EXPECT_LE(snapshot.count_at_most(bound), exact(bound));
    EXPECT_GE(snapshot.count_at_most(bound), exact(bound - bound / 8));
  }
}

TEST(Histogram, TheDifferenceOfTwoSnapshotsIsWhatHappenedBetweenThem) {
  Histogram histogram;
  histogram.record(5);
  histogram.record(1'000);
  const auto earlier = histogram.snapshot();
  histogram.record(6);
  auto between = histogram.snapshot();
  between -= earlier;
  EXPECT_EQ(between.count, 1u);
  EXPECT_EQ(between.sum, 6u);
  EXPECT_EQ(between.percentile(1.0), 6u);
  between += earlier;
  EXPECT_EQ(between.count, 3u);
  EXPECT_EQ(between.sum, 1'011u);
}

TEST(Histogram, ASnapshotTakenWhileWritingAgreesWithItself) {
  constexpr std::uint64_t kValues = 200'000;
  Histogram histogram;
  std::atomic<bool> written{false};
  std::thread writer([&] {
    for (std::uint64_t i = 0; i < kValues; ++i) histogram.record(i % 5'000);
    written = true;
  });
  std::uint64_t last = 0;
  while (!written) {
    const auto snapshot = histogram.snapshot();
    std::uint64_t in_buckets = 0;
    for (const auto count : snapshot.counts) in_buckets += count;
    EXPECT_EQ(in_buckets, snapshot.count);
    EXPECT_GE(snapshot.count, last);
    last = snapshot.count;
  }
  writer.join();
  EXPECT_EQ(histogram.snapshot().count, kValues);
}

}  // namespace
}  // namespace holdfast::metrics
