// How a shard's adds come to the journal.
#include <gtest/gtest.h>

#include <boost/asio/post.hpp>

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

}  // namespace
}  // namespace holdfast::engine
