#include "holdfast/flush/circuit_breaker.hpp"

#include <gtest/gtest.h>

namespace holdfast::flush {
namespace {

using std::chrono::milliseconds;
constexpr std::uint64_t kMost = ~std::uint64_t{0};

TEST(CircuitBreaker, OpensAfterFailuresInARowAndClosesWithASuccess) {
  CircuitBreaker breaker;
  SteadyTime now{};
  for (unsigned i = 1; i < CircuitBreaker::kFailuresToOpen; ++i) breaker.failed(now, 0);
  breaker.succeeded();  // not in a row
  for (unsigned i = 1; i < CircuitBreaker::kFailuresToOpen; ++i) breaker.failed(now, 0);
  EXPECT_FALSE(breaker.open());
  EXPECT_TRUE(breaker.admit(now));
  breaker.failed(now, 0);
  EXPECT_TRUE(breaker.open());
  EXPECT_FALSE(breaker.admit(now));
  EXPECT_EQ(breaker.recoveries(), 0u);
  breaker.succeeded();
  EXPECT_FALSE(breaker.open());
  EXPECT_EQ(breaker.recoveries(), 1u);
}

TEST(CircuitBreaker, LetsSingleProbesGoWithDoublingWaits) {
  CircuitBreaker breaker;
  SteadyTime now{};
  for (unsigned i = 0; i < CircuitBreaker::kFailuresToOpen; ++i) breaker.failed(now, kMost);
  auto wait = CircuitBreaker::kFirstWait;
  for (int probe = 0; probe < 12; ++probe) {
    EXPECT_FALSE(breaker.admit(now + wait - milliseconds(2)));
    now += wait;
    EXPECT_TRUE(breaker.admit(now));
    EXPECT_FALSE(breaker.admit(now)) << "one at a time";
    breaker.failed(now, kMost);
    wait = std::min(wait * 2, CircuitBreaker::kLongestWait);
  }
}

TEST(CircuitBreaker, AStoreThatHangsOpensItToo) {
  CircuitBreaker breaker;
  breaker.trip(SteadyTime{});
  EXPECT_TRUE(breaker.open());
  EXPECT_FALSE(breaker.admit(SteadyTime{}));
  breaker.succeeded();
  EXPECT_TRUE(breaker.admit(SteadyTime{}));
}

}  // namespace
}  // namespace holdfast::flush
