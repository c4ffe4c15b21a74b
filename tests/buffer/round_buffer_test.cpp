// The thresholds of the round buffer, one by one.
#include "holdfast/buffer/round_buffer.hpp"

#include <gtest/gtest.h>

#include "rounds.hpp"

namespace holdfast::buffer {
namespace {

std::vector<std::pair<TransferReason, Lsn>> summary(const std::vector<Moved>& moved) {
  std::vector<std::pair<TransferReason, Lsn>> out;
  for (const auto& item : moved) out.emplace_back(item.reason, item.round.lsn);
  return out;
}
using Expected = std::vector<std::pair<TransferReason, Lsn>>;

TEST(RoundBuffer, HoldsUpToExactlyMaxTokens) {
  const RoundBufferOptions options{.max_tokens = 100, .max_rounds = 50};
  RoundBuffer buffer(options);
  EXPECT_TRUE(buffer.add(round_of(1, 60)).empty());
  EXPECT_TRUE(buffer.add(round_of(2, 40)).empty());
  EXPECT_EQ(buffer.tokens(), 100u);
}

TEST(RoundBuffer, MovesWhatItHeldBeforeTheRoundThatWouldPassMaxTokens) {
  const RoundBufferOptions options{.max_tokens = 100, .max_rounds = 50};
  RoundBuffer buffer(options);
  buffer.add(round_of(1, 60));
  buffer.add(round_of(2, 40));
  EXPECT_EQ(summary(buffer.add(round_of(3, 1))),
            (Expected{{TransferReason::tokens, 1}, {TransferReason::tokens, 2}}));
  EXPECT_EQ(buffer.tokens(), 1u);
}

TEST(RoundBuffer, TheTransferThresholdIsAShareOfMaxTokens) {
  const RoundBufferOptions options{.max_tokens = 100, .max_rounds = 50, .auto_transfer_threshold = 0.5};
  RoundBuffer buffer(options);
  EXPECT_TRUE(buffer.add(round_of(1, 50)).empty());
  EXPECT_EQ(summary(buffer.add(round_of(2, 1))), (Expected{{TransferReason::tokens, 1}}));
}

TEST(RoundBuffer, MovesWhenMaxRoundsAreHeld) {
  const RoundBufferOptions options{.max_tokens = 1000, .max_rounds = 2};
  RoundBuffer buffer(options);
  EXPECT_TRUE(buffer.add(round_of(1)).empty());
  EXPECT_TRUE(buffer.add(round_of(2)).empty());
  EXPECT_EQ(summary(buffer.add(round_of(3))),
            (Expected{{TransferReason::rounds, 1}, {TransferReason::rounds, 2}}));
  EXPECT_EQ(buffer.rounds().size(), 1u);
}

TEST(RoundBuffer, ARoundLargerThanMaxTokensGoesStraightOnBehindWhatWasHeld) {
  const RoundBufferOptions options{.max_tokens = 100, .max_rounds = 50};
  RoundBuffer buffer(options);
  buffer.add(round_of(1, 10));
  EXPECT_EQ(summary(buffer.add(round_of(2, 101))),
            (Expected{{TransferReason::tokens, 1}, {TransferReason::oversized, 2}}));
  EXPECT_TRUE(buffer.empty());
}

TEST(RoundBuffer, ARoundBetweenThresholdAndMaxTokensIsHeldAlone) {
  const RoundBufferOptions options{.max_tokens = 100, .max_rounds = 50, .auto_transfer_threshold = 0.5};
  RoundBuffer buffer(options);
  EXPECT_TRUE(buffer.add(round_of(1, 80)).empty());
  EXPECT_EQ(buffer.rounds().size(), 1u);
}

}  // namespace
}  // namespace holdfast::buffer
