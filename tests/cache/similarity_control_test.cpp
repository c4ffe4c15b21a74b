// The working threshold holds the error it is told to.
#include "holdfast/cache/similarity_control.hpp"

#include <gtest/gtest.h>

#include <random>

namespace holdfast::cache {
namespace {

std::vector<ScoredResult> results(std::initializer_list<const char*> ids) {
  std::vector<ScoredResult> all;
  for (const auto* id : ids) all.emplace_back().id = id;
  return all;
}

TEST(Overlap, IsTheShareOfTheTrueResults) {
  EXPECT_EQ(overlap(results({"a", "b"}), results({"b", "a"})), 1);
  EXPECT_EQ(overlap(results({"a", "b", "c", "d"}), results({"a", "x", "y", "b"})), 0.5);
  EXPECT_EQ(overlap(results({}), results({"a"})), 0);
  EXPECT_EQ(overlap(results({}), results({})), 1);
  EXPECT_EQ(overlap(results({"a"}), results({})), 0);
}

struct SimilarityControlTest : testing::Test {
  Options options{.similarity_threshold = 0.9, .max_error = 0.02, .verify_fraction = 0.25};
  metrics::AnswerCacheProbe probe;
};

TEST_F(SimilarityControlTest, VerifiesTheFractionAskedFor) {
  SimilarityControl control(options, probe);
  int chosen = 0;
  for (int i = 0; i < 10'000; ++i) chosen += control.chooses_to_verify();
  EXPECT_NEAR(chosen, 2500, 200);
  options.verify_fraction = 0;
  control.reconfigure(options);
  EXPECT_FALSE(control.chooses_to_verify());
}

TEST_F(SimilarityControlTest, RisesOnErrorsAndFallsBackWithoutThemButNotBelowTheConfigured) {
  SimilarityControl control(options, probe);
  for (int i = 0; i < 3; ++i) control.verified(0);
  const auto risen = control.threshold();
  EXPECT_GT(risen, 0.95);
  EXPECT_LT(risen, 1);
  for (int i = 0; i < 200; ++i) control.verified(1);
  EXPECT_LT(control.threshold(), risen);
  for (int i = 0; i < 20'000; ++i) control.verified(1);
  EXPECT_GE(control.threshold(), 0.9);
  EXPECT_LT(control.threshold(), 0.901);
  EXPECT_EQ(probe.verified.value(), 20'203u);
  EXPECT_EQ(probe.false_hits.value(), 3u);
  EXPECT_NEAR(static_cast<double>(probe.threshold_ppm.value()), control.threshold() * 1e6, 1);
}

// Hits of a similarity s are false with a probability that falls with s: the rate of the served ones comes
// down to the allowed one.
TEST_F(SimilarityControlTest, HoldsTheAllowedError) {
  SimilarityControl control(options, probe);
  std::mt19937 random(3);
  std::uniform_real_distribution<double> any;
  int served = 0, wrong = 0;
  for (int i = 0; i < 400'000; ++i) {
    const double similarity = 0.9 + 0.1 * any(random);
    if (similarity < control.threshold()) continue;
    const bool is_false = any(random) < (1 - similarity);  // 5 % at the configured threshold
    control.verified(is_false ? 0 : 1);
    if (i < 200'000) continue;
    ++served;
    wrong += is_false;
  }
  EXPECT_GT(served, 1000);
  EXPECT_LT(static_cast<double>(wrong) / served, 0.03);
}

}  // namespace
}  // namespace holdfast::cache
