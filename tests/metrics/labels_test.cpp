#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>

#include "holdfast/metrics/bottleneck.hpp"
#include "holdfast/metrics/probes.hpp"
#include "holdfast/metrics/tuning_probe.hpp"

namespace holdfast::metrics {
namespace {

template <class Enum>
class ClosedLabelSet : public testing::Test {};

using LabelSets =
    testing::Types<Stage, TransferReason, FlushReason, RefusalReason, RetryReason, DeadReason, Route,
                   CacheOutcome, TimedComponent, ThreadClass, Bottleneck, TuningStep, TuningOutcome>;
TYPED_TEST_SUITE(ClosedLabelSet, LabelSets);

TYPED_TEST(ClosedLabelSet, EveryLabelHasItsOwnSnakeCaseName) {
  std::set<std::string> names;
  for (std::size_t i = 0; i < PerLabel<TypeParam, int>::size(); ++i) {
    const std::string name(to_string(static_cast<TypeParam>(i)));
    EXPECT_FALSE(name.empty());
    EXPECT_NE(name, "unknown");
    EXPECT_TRUE(std::all_of(name.begin(), name.end(), [](char c) {
      return (c >= 'a' && c <= 'z') || c == '_';
    })) << name;
    EXPECT_TRUE(names.insert(name).second) << name;
  }
}

TEST(Labels, NamesFollowTheirEnumerators) {
  EXPECT_EQ(to_string(Stage::in_flight), "in_flight");
  EXPECT_EQ(to_string(TransferReason::oversized), "oversized");
  EXPECT_EQ(to_string(TransferReason::shutdown), "shutdown");
  EXPECT_EQ(to_string(FlushReason::operation), "operation");
  EXPECT_EQ(to_string(FlushReason::bypass), "bypass");
  EXPECT_EQ(to_string(FlushReason::memory), "memory");
  EXPECT_EQ(to_string(RefusalReason::journal_failed), "journal_failed");
  EXPECT_EQ(to_string(RefusalReason::connections), "connections");
  EXPECT_EQ(to_string(RetryReason::store_permanent), "store_permanent");
  EXPECT_EQ(to_string(Route::messages_batch), "messages_batch");
  EXPECT_EQ(to_string(Route::query), "query");
  EXPECT_EQ(to_string(Route::other), "other");
  EXPECT_EQ(to_string(CacheOutcome::bypassed), "bypassed");
}

}  // namespace
}  // namespace holdfast::metrics
