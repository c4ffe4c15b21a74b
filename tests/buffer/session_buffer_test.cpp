// A session's way from its first round to the store: strategies, deadlines, one batch in flight, changes and
// erasures.
#include "holdfast/buffer/session_buffer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "rounds.hpp"

namespace holdfast::buffer {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

constexpr SteadyTime at(std::chrono::milliseconds time) {
  return SteadyTime{} + 1h + time;
}

Options small(FlushStrategy strategy) {
  Options options;
  options.round.max_rounds = 1;  // every add moves the round before it
  options.hybrid.max_rounds = 2;
  options.hybrid.auto_flush_interval = 10s;
  options.flush_interval = 5s;
  options.force_flush_timeout = 60s;
  options.strategy = strategy;
  return options;
}

std::vector<std::string> visible(const SessionBuffer& buffer) {
  std::vector<std::string> ids;
  buffer.for_each([&](Stage, const Message& message) { ids.push_back(message.id); });
  return ids;
}

std::vector<std::string> batch_ids(const Batch& batch) {
  std::vector<std::string> ids;
  for (const auto& round : batch.rounds) {
    for (const auto& held : round.messages) ids.push_back(held.message.id);
  }
  return ids;
}

Change change(const std::string& id, const std::string& content) {
  Change to;
  to.message.id = id;
  to.message.content = content;
  to.message.tokens = 3;
  return to;
}

TEST(SessionBuffer, FlushesWhenTheHybridBufferIsFullUnlessTimeBased) {
  for (const auto strategy : {FlushStrategy::size_based, FlushStrategy::time_based, FlushStrategy::hybrid}) {
    const auto options = small(strategy);
    SessionBuffer buffer(options);
    buffer.add(round_of(1), at(0ms));
    buffer.add(round_of(2), at(1ms));
    EXPECT_EQ(buffer.flush_due(at(1ms)), std::nullopt);
    buffer.add(round_of(3), at(2ms));  // 1 and 2 are in the hybrid buffer now
    const auto due = buffer.flush_due(at(2ms));
    if (strategy == FlushStrategy::time_based) {
      EXPECT_EQ(due, std::nullopt);
    } else {
      EXPECT_EQ(due, FlushReason::size);
    }
  }
}

TEST(SessionBuffer, TheLastRoundOfAnIdleSessionMovesOnAfterTheFlushInterval) {
  const auto options = small(FlushStrategy::hybrid);
  SessionBuffer buffer(options);
  buffer.add(round_of(1), at(0ms));
  EXPECT_EQ(buffer.next_deadline(), at(5s));
  EXPECT_TRUE(buffer.advance(at(4999ms)).empty());
  const auto moves = buffer.advance(at(5s));
  ASSERT_EQ(moves.size(), 1u);
  EXPECT_EQ(moves[0].reason, TransferReason::idle);
  EXPECT_EQ(buffer.flush_due(at(5s)), std::nullopt);
  EXPECT_EQ(buffer.next_deadline(), at(15s));
  EXPECT_EQ(buffer.flush_due(at(15s)), FlushReason::interval);
}

TEST(SessionBuffer, SizeBasedWaitsForTheForceTimeoutAlone) {
  const auto options = small(FlushStrategy::size_based);
  SessionBuffer buffer(options);
  buffer.add(round_of(1), at(0ms));
  EXPECT_EQ(buffer.next_deadline(), at(60s));
  EXPECT_TRUE(buffer.advance(at(59s)).empty());
  const auto moves = buffer.advance(at(60s));
  ASSERT_EQ(moves.size(), 1u);
  EXPECT_EQ(moves[0].reason, TransferReason::force);
  EXPECT_EQ(buffer.flush_due(at(60s)), FlushReason::force);
}

TEST(SessionBuffer, WithoutAutoFlushOnlySizeAndForceFlush) {
  auto options = small(FlushStrategy::hybrid);
  options.hybrid.auto_flush = false;
  SessionBuffer buffer(options);
  buffer.add(round_of(1), at(0ms));
  buffer.advance(at(5s));
  EXPECT_EQ(buffer.flush_due(at(50s)), std::nullopt);
  EXPECT_EQ(buffer.flush_due(at(60s)), FlushReason::force);
}

TEST(SessionBuffer, OneBatchIsInFlightAtATimeAndStaysVisible) {
  const auto options = small(FlushStrategy::hybrid);
  SessionBuffer buffer(options);
  for (Lsn lsn = 1; lsn <= 3; ++lsn) buffer.add(round_of(lsn), at(0ms));
  EXPECT_THAT(batch_ids(buffer.take_batch(FlushReason::size)), ElementsAre("m1", "m2"));
  for (Lsn lsn = 4; lsn <= 6; ++lsn) buffer.add(round_of(lsn), at(0ms));
  EXPECT_EQ(buffer.flush_due(at(100s)), std::nullopt);
  EXPECT_THAT(visible(buffer), ElementsAre("m1", "m2", "m3", "m4", "m5", "m6"));
  EXPECT_THAT(buffer.batch_settled().lsns(), ElementsAre(1, 2));
  EXPECT_THAT(visible(buffer), ElementsAre("m3", "m4", "m5", "m6"));
  EXPECT_EQ(buffer.flush_due(at(0ms)), FlushReason::size);
}

TEST(SessionBuffer, ARequestedFlushTakesEverything) {
  const auto options = small(FlushStrategy::time_based);
  SessionBuffer buffer(options);
  buffer.add(round_of(1), at(0ms));
  const auto moves = buffer.request_flush(FlushReason::request, at(1ms));
  ASSERT_EQ(moves.size(), 1u);
  EXPECT_EQ(moves[0].reason, TransferReason::request);
  ASSERT_EQ(buffer.flush_due(at(1ms)), FlushReason::request);
  buffer.take_batch(FlushReason::request);
  buffer.batch_settled();
  EXPECT_TRUE(buffer.empty());
  EXPECT_EQ(buffer.entered(), buffer.settled());
}

TEST(SessionBuffer, AnUpdateInABufferChangesItInPlaceAndIsAcknowledgedWithIt) {
  const auto options = small(FlushStrategy::hybrid);
  SessionBuffer buffer(options);
  buffer.add(round_of(1), at(0ms));
  const auto applied = buffer.update(change("m1", "other"), 9);
  ASSERT_TRUE(applied.in_place);
  EXPECT_EQ(applied.in_place->stage, Stage::round_buffer);
  EXPECT_FALSE(applied.queued_bytes > 0);
  EXPECT_EQ(buffer.find("m1")->content, "other");
  EXPECT_EQ(buffer.round_tokens(), 3u);
  buffer.request_flush(FlushReason::request, at(0ms));
  const auto& batch = buffer.take_batch(FlushReason::request);
  EXPECT_EQ(batch.rounds[0].messages[0].lsn, 9u);
  EXPECT_THAT(batch.lsns(), ElementsAre(1, 9));
}

TEST(SessionBuffer, AnEmptiedRoundIsReleasedAtOnce) {
  const auto options = small(FlushStrategy::hybrid);
  SessionBuffer buffer(options);
  auto pair = round_of(1);
  pair.messages.push_back(round_of(2).messages[0]);
  buffer.add(pair, at(0ms));
  std::vector<Lsn> released;
  EXPECT_TRUE(buffer.erase("m1", 7, released).in_place);
  EXPECT_THAT(released, IsEmpty());
  EXPECT_THAT(visible(buffer), ElementsAre("m2"));
  EXPECT_FALSE(buffer.erase("m2", 8, released).queued_bytes > 0);
  EXPECT_THAT(released, ElementsAre(1, 7, 8)) << "deletions are acknowledged with their round";
  EXPECT_TRUE(buffer.empty());
  EXPECT_EQ(buffer.entered(), buffer.settled());
}

TEST(SessionBuffer, AnErasureOfAMessageInFlightHidesItAndFollowsTheBatch) {
  const auto options = small(FlushStrategy::hybrid);
  SessionBuffer buffer(options);
  buffer.add(round_of(1), at(0ms));
  buffer.request_flush(FlushReason::request, at(0ms));
  buffer.take_batch(FlushReason::request);
  std::vector<Lsn> released;
  EXPECT_TRUE(buffer.erase("m1", 5, released).queued_bytes > 0);
  EXPECT_THAT(visible(buffer), IsEmpty());
  EXPECT_EQ(buffer.find("m1"), nullptr);
  std::vector<std::string> hidden;
  buffer.for_each_erasure([&](std::string_view id) { hidden.emplace_back(id); });
  EXPECT_THAT(hidden, ElementsAre("m1"));
  buffer.batch_settled();
  EXPECT_EQ(buffer.flush_due(at(0ms)), FlushReason::operation);
  EXPECT_THAT(buffer.take_batch(FlushReason::operation).lsns(), ElementsAre(5));
}

TEST(SessionBuffer, AChangeOfAStoredMessageIsVisibleUntilTheStoreHasIt) {
  const auto options = small(FlushStrategy::hybrid);
  SessionBuffer buffer(options);
  EXPECT_TRUE(buffer.update(change("old", "new text"), 4).queued_bytes > 0);
  EXPECT_EQ(buffer.find("old")->content, "new text");
  EXPECT_THAT(visible(buffer), ElementsAre("old"));
  buffer.take_batch(*buffer.flush_due(at(0ms)));
  EXPECT_THAT(visible(buffer), ElementsAre("old"));
  buffer.batch_settled();
  EXPECT_THAT(visible(buffer), IsEmpty());
}

// After a crash the store may hold what is replayed: a change in memory alone would be ignored there, an
// erasure undone.
TEST(SessionBuffer, OperationsOnReplayedMessagesAlsoReachTheStore) {
  const auto options = small(FlushStrategy::hybrid);
  SessionBuffer buffer(options);
  for (Lsn lsn = 1; lsn <= 2; ++lsn) {
    auto replayed = round_of(lsn);
    replayed.maybe_stored = true;
    buffer.add(replayed, at(0ms));
  }
  std::vector<Lsn> released;
  EXPECT_TRUE(buffer.update(change("m1", "changed"), 8).queued_bytes > 0);
  EXPECT_TRUE(buffer.erase("m2", 9, released).queued_bytes > 0);
  EXPECT_THAT(visible(buffer), ElementsAre("m1"));
  buffer.request_flush(FlushReason::request, at(0ms));
  const auto& batch = buffer.take_batch(FlushReason::request);
  EXPECT_EQ(batch.operations.size(), 2u);
  EXPECT_THAT(batch_ids(batch), ElementsAre("m1"));
  EXPECT_THAT(visible(buffer), ElementsAre("m1"));
  EXPECT_EQ(buffer.find("m1")->content, "changed");
  buffer.batch_settled();
  EXPECT_EQ(buffer.entered(), buffer.settled());
}

// Its deletion leaves for the store with it, and concerns an older message of its id.
TEST(SessionBuffer, AMessageThatIsAddedAgainIsVisibleInFlight) {
  const auto options = small(FlushStrategy::hybrid);
  SessionBuffer buffer(options);
  std::vector<Lsn> released;
  buffer.erase("m3", 2, released);
  buffer.add(round_of(3), at(0ms));
  buffer.request_flush(FlushReason::request, at(0ms));
  const auto& batch = buffer.take_batch(FlushReason::request);
  EXPECT_EQ(batch.operations.size(), 1u);
  EXPECT_THAT(batch_ids(batch), ElementsAre("m3"));
  EXPECT_THAT(visible(buffer), ElementsAre("m3"));
  EXPECT_TRUE(buffer.find("m3"));
  buffer.erase("m3", 4, released);
  EXPECT_THAT(visible(buffer), IsEmpty());
  EXPECT_FALSE(buffer.find("m3"));
}

TEST(SessionBuffer, ARepetitionIsShownOnlyWhereItsMessageIsHere) {
  const auto options = small(FlushStrategy::hybrid);
  SessionBuffer buffer(options);
  std::vector<Lsn> released, erased;
  buffer.update(change("stored", "older"), 1, SessionBuffer::Done::before);
  buffer.erase("deleted", 2, released, SessionBuffer::Done::before);
  buffer.for_each_erasure([&](std::string_view) { erased.push_back(0); });
  EXPECT_THAT(visible(buffer), IsEmpty());
  EXPECT_THAT(erased, IsEmpty());
  auto replayed = round_of(3);
  replayed.maybe_stored = true;
  buffer.add(replayed, at(0ms));
  buffer.erase("m3", 4, released, SessionBuffer::Done::before);
  buffer.for_each_erasure([&](std::string_view) { erased.push_back(0); });
  EXPECT_THAT(visible(buffer), IsEmpty());
  EXPECT_EQ(erased.size(), 1u);
  EXPECT_EQ(buffer.take_batch(FlushReason::operation).operations.size(), 3u);
}

TEST(SessionBuffer, AChangeOfSeveralMessagesIsHeldUntilTheLastOfThemIsStored) {
  const auto options = small(FlushStrategy::hybrid);
  SessionBuffer buffer(options);
  std::vector<Lsn> released;
  buffer.add(round_of(1), at(0ms));
  buffer.update(change("m1", "changed"), 2);
  buffer.update(change("elsewhere", "changed"), 2);
  buffer.erase("m1", 3, released);
  EXPECT_THAT(released, ElementsAre(1, 2, 3));
  EXPECT_THAT(buffer.not_held(released), ElementsAre(1, 3));
  buffer.take_batch(FlushReason::operation);
  EXPECT_THAT(buffer.not_held(buffer.batch_settled().lsns()), ElementsAre(2));
}

TEST(SessionBuffer, ALargeBacklogLeavesInBatchesOfWholeRounds) {
  auto options = small(FlushStrategy::hybrid);
  SessionBuffer buffer(options);
  for (Lsn lsn = 1; lsn <= kMaxBatchMessages + 10; ++lsn) buffer.add(round_of(lsn), at(0ms));
  buffer.request_flush(FlushReason::request, at(0ms));
  EXPECT_EQ(buffer.take_batch(FlushReason::request).message_count(), kMaxBatchMessages);
  buffer.batch_settled();
  ASSERT_EQ(buffer.flush_due(at(0ms)), FlushReason::request);
  EXPECT_EQ(buffer.take_batch(FlushReason::request).message_count(), 10u);
}

TEST(SessionBuffer, ABatchOfLargeMessagesIsBoundedByTheirBytes) {
  auto options = small(FlushStrategy::hybrid);
  SessionBuffer buffer(options);
  for (const std::size_t bytes :
       {kMaxBatchBytes / 2, kMaxBatchBytes / 2, std::size_t{1}, kMaxBatchBytes + 1}) {
    auto round = round_of(buffer.held().messages + 1);
    round.messages[0].message.content.assign(bytes, 'x');
    buffer.add(std::move(round), at(0ms));
  }
  buffer.request_flush(FlushReason::request, at(0ms));
  std::vector<std::size_t> messages;
  while (buffer.flush_due(at(0ms))) {
    messages.push_back(buffer.take_batch(FlushReason::request).message_count());
    buffer.batch_settled();
  }
  EXPECT_EQ(messages, (std::vector<std::size_t>{2, 1, 1}));
}

TEST(SessionBuffer, ManyUpdatesLeaveInBatchesBeforeTheRounds) {
  const auto options = small(FlushStrategy::hybrid);
  SessionBuffer buffer(options);
  for (Lsn lsn = 1; lsn <= kMaxBatchMessages + 10; ++lsn) buffer.update(change("elsewhere", "x"), lsn);
  buffer.add(round_of(5000), at(0ms));
  buffer.request_flush(FlushReason::request, at(0ms));
  const auto& first = buffer.take_batch(FlushReason::request);
  EXPECT_EQ(first.operations.size(), kMaxBatchMessages);
  EXPECT_TRUE(first.rounds.empty());
  buffer.batch_settled();
  ASSERT_EQ(buffer.flush_due(at(0ms)), FlushReason::request);
  const auto& second = buffer.take_batch(FlushReason::request);
  EXPECT_EQ(second.operations.size(), 10u);
  EXPECT_EQ(second.rounds.size(), 1u);
}

TEST(SessionBuffer, ALargeRoundDoesNotWaitForUpdatesToEnd) {
  const auto options = small(FlushStrategy::hybrid);
  SessionBuffer buffer(options);
  buffer.update(change("elsewhere", "x"), 1);
  auto round = round_of(2);
  round.messages[0].message.content.assign(kMaxBatchBytes + 1, 'x');
  buffer.add(std::move(round), at(0ms));
  buffer.request_flush(FlushReason::request, at(0ms));
  const auto& batch = buffer.take_batch(FlushReason::request);
  EXPECT_EQ(batch.operations.size(), 1u);
  EXPECT_EQ(batch.rounds.size(), 1u);
}

TEST(SessionBuffer, WhatOneRecordChangesLeavesInOneBatch) {
  const auto options = small(FlushStrategy::hybrid);
  SessionBuffer buffer(options);
  for (std::size_t i = 0; i < kMaxBatchMessages + 10; ++i) {
    buffer.update(change("m" + std::to_string(i), "x"), i < kMaxBatchMessages - 5 ? i + 1 : 5000);
  }
  EXPECT_EQ(buffer.take_batch(FlushReason::request).operations.size(), kMaxBatchMessages + 10);
}

TEST(SessionBuffer, DeletingTheSessionNamesEveryLsnItHolds) {
  const auto options = small(FlushStrategy::hybrid);
  SessionBuffer buffer(options);
  for (Lsn lsn = 1; lsn <= 3; ++lsn) buffer.add(round_of(lsn), at(0ms));
  buffer.take_batch(FlushReason::size);
  buffer.add(round_of(4), at(0ms));
  buffer.update(change("m4", "x"), 5);
  buffer.update(change("elsewhere", "x"), 6);
  EXPECT_THAT(buffer.all_lsns(), UnorderedElementsAre(1, 2, 3, 4, 5, 6));
}

}  // namespace
}  // namespace holdfast::buffer
