// One shard with everything, over a store of the test's and a disk in memory; it can be stopped and started
// again.
#pragma once

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_future.hpp>
#include <future>
#include <string>
#include <vector>

#include "fakes/memory_file_system.hpp"
#include "holdfast/base/ids.hpp"
#include "holdfast/ingest/ingest_path.hpp"
#include "holdfast/service/memory_service.hpp"

namespace holdfast::engine {

class RunningEngine {
 public:
  // The store outlives it.
  RunningEngine(Options options, store::MemoryStore& store)
      : options_(std::move(options)), store_(store), run_(std::make_unique<Run>(*this)) {}

  // What is not stored is replayed from the journal.
  void restart() {
    shut_down();
    boot();
  }
  void shut_down() { run_.reset(); }
  // As if the machine lost its power.
  void crash() {
    files_.crash();
    shut_down();  // what it writes now went to files that are no longer there
  }
  void boot(memory::Level level = memory::Level::normal) { run_ = std::make_unique<Run>(*this, level); }

  template <class T>
  std::future<T> start(boost::asio::awaitable<T> work) {
    return boost::asio::co_spawn(run_->shard_set.executor(0), std::move(work), boost::asio::use_future);
  }
  template <class T>
  T run(boost::asio::awaitable<T> work) {
    return start(std::move(work)).get();
  }

  void add_user(const std::string& id) { (void)store_.create_user({id, id, "", {}, {}}); }
  void add_agent(const std::string& id) { (void)store_.create_agent({id, id, "", {}, {}}); }
  std::string add_session(const std::string& user, const std::string& agent) {
    auto id = make_session_id(route_key(user));
    (void)store_.create_session({id, user, agent, id, {}, {}});
    return id;
  }

  boost::asio::awaitable<Outcome<AddAnswer>> adding(const std::string& session,
                                                    const std::vector<std::string>& contents) {
    ingest::AddRequest request;
    request.session_id = session;
    for (const auto& content : contents) {
      NewMessage message;
      message.content = content;
      request.messages.push_back(std::move(message));
    }
    return service().add_messages(std::move(request));
  }
  Outcome<AddAnswer> add(const std::string& session, const std::vector<std::string>& contents) {
    return run(adding(session, contents));
  }
  void flush() { (void)run(service().flush({})); }
  // Everything in the store (or dead); the messages that are not after so long.
  std::uint64_t drain(std::chrono::seconds at_most = std::chrono::seconds(60)) {
    return run(service().drain(metrics::FlushReason::request, std::chrono::steady_clock::now() + at_most));
  }

  // The thread for computations waits until the promise is kept.
  std::future<Result<int>> hold_computing(std::promise<void>& release) {
    auto held = [released = release.get_future().share()]() -> Result<int> {
      released.wait();
      return 0;
    };
    return start(runtime::call_blocking(shard().parts.compute, std::chrono::minutes(1), held));
  }

  service::MemoryService& service() { return *run_->service; }
  UserShard& shard() { return *run_->shards[0]; }
  flush::DeadLetters& letters() { return *run_->letters; }
  flush::FlushWorkers& workers() { return *run_->workers; }
  memory::Pressure& pressure() { return run_->pressure; }
  metrics::Probes& probes() { return run_->probes; }

 private:
  struct Run {
    explicit Run(RunningEngine& of, memory::Level level = memory::Level::normal)
        : shard_set(1), probes(1), pool("store", 2, 1000), compute("compute", 1, 1000) {
      pressure.set_level(level);
      workers = std::make_unique<flush::FlushWorkers>(of.options_.flush, of.store_, of.embedder_,
                                                      system_clock(), pressure, probes.flush);
      journal::Options options;
      options.dir = "/j";
      options.segment_bytes = 1u << 20;
      options.max_bytes = of.options_.max_journal_bytes;
      options.sync_interval = std::chrono::milliseconds(1);
      journal = std::move(*journal::Journal::open(
          options, of.files_, [&of] { return of.store_.last_lsn(); }, probes.journal));
      letters = std::move(*flush::DeadLetters::open(of.files_, "/letters"));
      parts = std::make_unique<Parts>(Parts{std::make_shared<const Options>(of.options_), system_clock(),
                                            of.store_, pool, *workers, *journal, compute, *letters,
                                            of.embedder_, tokens, pressure});
      shards.push_back(std::make_unique<UserShard>(*parts, 0, 1, shard_set.executor(0), *probes.shards[0]));
      service = std::make_unique<service::MemoryService>(*parts, shard_set, shards);
      shard_set.start();
      journal->start(1, [this](unsigned, std::vector<journal::Completion> completions) {
        boost::asio::post(shard_set.executor(0), [this, completions = std::move(completions)]() mutable {
          shards[0]->journal.deliver(std::move(completions));
        });
      });
      boost::asio::post(shard_set.executor(0), [this] { shards[0]->flush_loop.start(); });
      std::vector<journal::ReplayedRecord> records;
      EXPECT_TRUE(journal->replay([&](auto record) { records.push_back(std::move(record)); }));
      EXPECT_TRUE(boost::asio::co_spawn(shard_set.executor(0), ingest::replay(*shards[0], std::move(records)),
                                        boost::asio::use_future)
                      .get());
    }
    ~Run() {
      workers->stop();
      pool.stop();
      compute.stop();
      std::promise<void> stopped;
      boost::asio::post(shard_set.executor(0), [&] {
        shards[0]->flush_loop.stop();
        stopped.set_value();
      });
      stopped.get_future().wait();
      journal->stop();
      shard_set.stop();
    }

    runtime::ShardSet shard_set;
    metrics::Probes probes;
    runtime::BlockingPool pool, compute;
    text::TokenCounter tokens{"gpt-4o-mini", 1.3};
    memory::Pressure pressure;
    std::unique_ptr<flush::FlushWorkers> workers;
    std::unique_ptr<journal::Journal> journal;
    std::unique_ptr<flush::DeadLetters> letters;
    std::unique_ptr<Parts> parts;
    std::vector<std::unique_ptr<UserShard>> shards;
    std::unique_ptr<service::MemoryService> service;
  };

  const Options options_;
  const text::Embedder& embedder_ = text::builtin_embedder();
  io::MemoryFileSystem files_;
  store::MemoryStore& store_;
  std::unique_ptr<Run> run_;
};

}  // namespace holdfast::engine
