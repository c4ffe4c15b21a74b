// How a shard's adds come to the journal.
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_future.hpp>
#include <chrono>
#include <future>
#include <thread>
#include <vector>

#include "fakes/running_engine.hpp"
#include "fakes/scripted_store.hpp"

namespace holdfast::engine {
namespace {

TEST(JournalPort, WhatIsReadyTogetherIsOneGroup) {
  store::ScriptedStore store([] { return store::Fate::commit; });
  RunningEngine engine({}, store);
  engine.add_user("ann");
  engine.add_agent("bot");
  const auto session = engine.add_session("ann", "bot");
  ASSERT_TRUE(engine.add(session, {"first"}));
  const auto& groups = engine.probes().journal.group_records;
  const auto before = groups.snapshot();

  std::promise<void> release;
  boost::asio::post(engine.shard().executor, [released = release.get_future().share()] { released.wait(); });
  std::vector<std::future<Outcome<AddAnswer>>> adds;
  for (int i = 0; i < 20; ++i) adds.push_back(engine.start(engine.adding(session, {"again"})));
  release.set_value();
  for (auto& add : adds) EXPECT_TRUE(add.get());

  EXPECT_EQ(groups.snapshot().count, before.count + 1);
  EXPECT_EQ(groups.snapshot().sum, before.sum + 20);
}

// They go to the journal while the handler that makes them still runs.
TEST(JournalPort, NoMoreThan64RecordsAreHeldBack) {
  store::ScriptedStore store([] { return store::Fate::commit; });
  RunningEngine engine({}, store);
  journal::AppendRecord record;
  record.user_id = "ann";
  record.round.messages.resize(1);
  const journal::Operation operation = record;
  const auto& written = engine.probes().journal.records;
  std::vector<std::future<journal::Completion>> completions;
  const auto append_many = [&](UserShard& shard) -> asio::awaitable<std::uint64_t> {
    for (int i = 0; i < 64; ++i) {
      completions.push_back(
          asio::co_spawn(shard.executor, shard.journal.append(operation), asio::use_future));
    }
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (written.value() < 64 && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
    co_return written.value();
  };
  EXPECT_EQ(engine.run(append_many(engine.shard())), 64);
  for (auto& completion : completions) EXPECT_FALSE(completion.get().error);
}

}  // namespace
}  // namespace holdfast::engine
