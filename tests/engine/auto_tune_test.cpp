// What auto_tune decides takes effect in a running engine, and is gone when it is taken back.
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <semaphore>

#include "fakes/scripted_store.hpp"
#include "holdfast/flush/auto_tuner.hpp"
#include "query/sqlite_engine.hpp"

namespace holdfast {
namespace {

using flush::Tuning;
using flush::TuningOutcome;
using metrics::TimedComponent;

metrics::Situation store_bound() {
  metrics::Situation now;
  now.summary.covers = std::chrono::seconds(60);
  now.summary.stored_messages = 100;
  now.summary.worker_utilization = 0.95;
  now.summary.components[TimedComponent::store] = {10, 2'000};
  return now;
}

engine::Options small_batches() {
  engine::Options options;
  options.buffer.round.max_rounds = 1;
  options.buffer.hybrid.max_rounds = 2;
  options.flush.workers = 1;
  return options;
}

class Tuned : public testing::Test {
 protected:
  Tuned() {
    engine_.add_user("u");
    engine_.add_agent("a");
    session_ = engine_.add_session("u", "a");
  }
  void apply(const Tuning& tuning) {
    auto options = std::make_shared<engine::Options>(small_batches());
    options->buffer.hybrid.max_rounds = tuning.batch_rounds;
    std::promise<void> applied;
    boost::asio::post(engine_.shard().executor, [&] {
      engine_.shard().reconfigure_buffers(std::move(options));
      applied.set_value();
    });
    applied.get_future().wait();
  }
  // Adds rounds of one message until a batch leaves by its size. How many messages it has.
  std::uint64_t messages_of_next_batch() {
    engine_.flush();
    const auto before = engine_.probe().batch_messages.snapshot();
    const auto by_size = engine_.probe().flushes[metrics::FlushReason::size].value();
    while (engine_.probe().flushes[metrics::FlushReason::size].value() == by_size) {
      engine_.add(session_, {"a message"});
    }
    auto sent = engine_.probe().batch_messages.snapshot();
    sent -= before;
    EXPECT_EQ(sent.count, 1u);
    return sent.sum;
  }

  query::SqliteEngine engine_{small_batches()};
  std::string session_;
};

TEST_F(Tuned, AStepIsAppliedAndBackedOut) {
  flush::AutoTuner tuner({1, 2});
  EXPECT_EQ(messages_of_next_batch(), 2u);

  auto decision = tuner.window_over(store_bound());
  ASSERT_TRUE(decision);
  EXPECT_EQ(decision->outcome, TuningOutcome::applied);
  apply(decision->tuning);
  EXPECT_EQ(messages_of_next_batch(), 4u);

  decision = tuner.window_over(store_bound());  // no more is stored than before
  ASSERT_TRUE(decision);
  EXPECT_EQ(decision->outcome, TuningOutcome::backed_out);
  apply(decision->tuning);
  EXPECT_EQ(messages_of_next_batch(), 2u);
}

TEST_F(Tuned, TheTimeOfEveryComponentIsCountedWhereItIsSpent) {
  const auto& times = engine_.probe().components;
  const auto calls = [&](TimedComponent component) { return times[component].snapshot().count; };
  engine_.add(session_, {"the weather in town", "is fine"});
  EXPECT_EQ(calls(TimedComponent::token_count), 1u);
  EXPECT_EQ(calls(TimedComponent::journal_wait), 1u);
  EXPECT_EQ(calls(TimedComponent::round), 1u);
  EXPECT_EQ(calls(TimedComponent::transfer), 0u);
  engine_.add(session_, {"what else"});  // the first round moves on
  EXPECT_EQ(calls(TimedComponent::round), 1u);
  EXPECT_EQ(calls(TimedComponent::transfer), 1u);
  EXPECT_GE(calls(TimedComponent::threshold_check), 2u);

  Query query;
  query.user_id = "u";
  query.text = "weather";
  query.top_k = 3;
  ASSERT_TRUE(engine_.run(engine_.service().query(query)));
  EXPECT_EQ(calls(TimedComponent::cache_check), 1u);
  EXPECT_EQ(calls(TimedComponent::embedding), 1u);
  EXPECT_EQ(calls(TimedComponent::multi_source_query), 1u);
  EXPECT_EQ(calls(TimedComponent::aggregation), 1u);
  ASSERT_TRUE(engine_.run(engine_.service().query(query)));
  EXPECT_EQ(calls(TimedComponent::cache_check), 2u);
  EXPECT_EQ(calls(TimedComponent::multi_source_query), 1u);
}

// A store that holds each write until it is let go, and knows how many it holds at a time.
struct HeldWrites {
  store::Fate operator()() {
    const auto held = ++now;
    auto highest = most.load();
    while (held > highest && !most.compare_exchange_weak(highest, held)) {
    }
    entered.release();
    go.acquire();
    --now;
    return store::Fate::commit;
  }
  std::counting_semaphore<> entered{0}, go{0};
  std::atomic<int> now{0}, most{0};
};

TEST(WorkingFlushWorkers, TheOthersTakeNoBatches) {
  HeldWrites writes;
  store::ScriptedStore store([&] { return writes(); });
  memory::Pressure pressure;
  metrics::FlushProbe probe;
  flush::Options options;
  options.workers = 3;
  flush::FlushWorkers workers(options, store, text::builtin_embedder(), system_clock(), pressure, probe);
  std::counting_semaphore<> done{0};
  const auto push = [&] {
    ASSERT_TRUE(workers.queue().reserve());
    flush::Job job;
    job.done = [&](Result<void>) { done.release(); };
    workers.queue().push(std::move(job));
  };
  const auto wait_for_three = [&] {
    for (int i = 0; i < 3; ++i) {
      push();
      writes.entered.acquire();  // the next one goes to another worker
    }
  };
  wait_for_three();
  EXPECT_EQ(writes.most, 3);
  workers.set_working(1);
  EXPECT_EQ(workers.working(), 1u);
  writes.go.release(3);
  for (int i = 0; i < 3; ++i) done.acquire();

  writes.most = 0;
  for (int i = 0; i < 50; ++i) {
    push();
    writes.entered.acquire();
    push();
    writes.go.release(2);
    done.acquire();
    done.acquire();
    writes.entered.acquire();
  }
  EXPECT_EQ(writes.most, 1);

  workers.set_working(9);
  EXPECT_EQ(workers.working(), 3u);
  wait_for_three();
  EXPECT_EQ(writes.most, 3);
  workers.set_working(1);  // the others are woken by the stop
  writes.go.release(3);
  workers.stop();
}

}  // namespace
}  // namespace holdfast
