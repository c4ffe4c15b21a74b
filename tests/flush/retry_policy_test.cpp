#include "holdfast/flush/retry_policy.hpp"

#include <gtest/gtest.h>

#include <random>

namespace holdfast::flush {
namespace {

using namespace std::chrono_literals;

TEST(RetryPolicy, FastRetriesThenDoublesToTheLongest) {
  Options options;
  options.retry_attempts = 3;
  options.retry_delay = 1s;
  options.max_retry_delay = 30s;
  const std::chrono::milliseconds expected[] = {1s, 1s, 1s, 2s, 4s, 8s, 16s, 30s, 30s};
  for (unsigned attempt = 1; attempt <= 9; ++attempt)
    EXPECT_EQ(longest_delay(options, attempt), expected[attempt - 1]);
  EXPECT_EQ(longest_delay(options, 4'000'000'000u), 30s);
}

TEST(RetryPolicy, TheWaitIsSpreadAndNeverLonger) {
  const Options options;
  std::mt19937_64 random(2);
  std::chrono::milliseconds least = 24h, most = 0ms;
  for (int i = 0; i < 10'000; ++i) {
    const auto delay = retry_delay(options, 5, random());
    least = std::min(least, delay);
    most = std::max(most, delay);
  }
  EXPECT_GE(least, longest_delay(options, 5) / 10);
  EXPECT_LT(least, longest_delay(options, 5) / 5);
  EXPECT_LE(most, longest_delay(options, 5));
  EXPECT_GT(most, longest_delay(options, 5) * 9 / 10);
}

}  // namespace
}  // namespace holdfast::flush
