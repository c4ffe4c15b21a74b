#include "holdfast/metrics/memory_estimate.hpp"

#include <gtest/gtest.h>

namespace holdfast::metrics {
namespace {

TEST(MemoryEstimate, IsTheProgramWithWhatItHolds) {
  Probes probes(2);
  const auto nothing = estimate_resident(probes);
  EXPECT_EQ(nothing, static_cast<std::uint64_t>(kProgramBytes));
  probes.shards[0]->stages[Stage::round_buffer].enter(100, 20'000);
  probes.shards[1]->stages[Stage::hybrid_buffer].enter(1000, 1'000'000);
  probes.shards[1]->stages[Stage::hybrid_buffer].leave(500, 500'000);
  const auto buffered = nothing + static_cast<std::uint64_t>(600 * kMessageBytes + 520'000 * kContentFactor);
  EXPECT_EQ(estimate_resident(probes), buffered);
  probes.shards[0]->query_cache.bytes.set(1'000'000);
  probes.shards[1]->request_bytes.set(4096);
  const auto cached = buffered + static_cast<std::uint64_t>(1'000'000 * kCacheFactor) + 4096;
  EXPECT_EQ(estimate_resident(probes), cached);
  probes.shards[0]->stored_messages.add(1);
  EXPECT_EQ(estimate_resident(probes), cached + static_cast<std::uint64_t>(kStoreBytes));
}

TEST(MemoryEstimate, NothingWithinTheBoundsIsAboveThePeak) {
  Bounds bounds;
  bounds.buffers = 10'000'000;
  bounds.query_cache = 2'000'000;
  bounds.item_cache = 3'000'000;
  bounds.requests = 1'000'000;
  for (const std::uint64_t messages : {100u, 10'000u}) {
    Probes probes(1);
    probes.shards[0]->stages[Stage::in_flight].enter(messages, bounds.buffers - messages * kMessageOverhead);
    probes.shards[0]->query_cache.bytes.set(bounds.query_cache);
    probes.shards[0]->request_bytes.set(bounds.requests);
    probes.shards[0]->idempotency_bytes.set(bounds.buffers / 16);
    probes.store.item_cache_bytes.set(bounds.item_cache);
    EXPECT_LT(estimate_resident(probes), estimate_peak(bounds)) << messages;
  }
  EXPECT_EQ(estimate_peak({}), static_cast<std::uint64_t>(kProgramBytes + kStoreBytes));
}

}  // namespace
}  // namespace holdfast::metrics
