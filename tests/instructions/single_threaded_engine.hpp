// One shard on the thread of the caller, which works whatever is posted to it until its answer is there. The
// journal, the flush worker and the store's threads are their own: what they do is not the caller's.
#pragma once

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <cstdlib>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "fakes/memory_file_system.hpp"
#include "fakes/temporary_directory.hpp"
#include "holdfast/base/ids.hpp"
#include "holdfast/service/memory_service.hpp"
#include "holdfast/store/sqlite_store.hpp"

namespace holdfast::instructions {

class SingleThreadedEngine {
 public:
  SingleThreadedEngine() : work_(boost::asio::make_work_guard(set_.context(0))) {
    options_.buffer.hybrid.max_rounds = 50;
    options_.flush.workers = 1;
    store_ = std::move(*store::open_sqlite_store({folder_.path() / "h.db"}, text::builtin_embedder()));
    workers_ = std::make_unique<flush::FlushWorkers>(options_.flush, *store_, text::builtin_embedder(),
                                                     system_clock(), pressure_, probes_.flush);
    journal::Options journal;
    journal.dir = "/j";
    journal_ = std::move(*journal::Journal::open(
        journal, files_, [] { return Result<Lsn>(0); }, probes_.journal));
    letters_ = std::move(*flush::DeadLetters::open(files_, "/letters"));
    parts_ = std::make_unique<engine::Parts>(engine::Parts{
        std::make_shared<const engine::Options>(options_), system_clock(), *store_, pool_, *workers_,
        *journal_, compute_, *letters_, text::builtin_embedder(), tokens_, pressure_});
    shards_.push_back(
        std::make_unique<engine::UserShard>(*parts_, 0, 1, set_.executor(0), *probes_.shards[0]));
    service_ = std::make_unique<service::MemoryService>(*parts_, set_, shards_);
    journal_->start(1, [this](unsigned, std::vector<journal::Completion> completions) {
      boost::asio::post(set_.executor(0), [this, completions = std::move(completions)]() mutable {
        shards_[0]->journal.deliver(std::move(completions));
      });
    });
    require(journal_->replay([](journal::ReplayedRecord) {}).has_value());
  }
  ~SingleThreadedEngine() {
    workers_->stop();
    pool_.stop();
    compute_.stop();
    shards_[0]->flush_loop.stop();
    journal_->stop();
    work_.reset();
    set_.context(0).poll();  // what the workers answered last
    service_.reset();
    shards_.clear();
    store_.reset();
  }

  std::string add_session(const std::string& user) {
    require(store_->create_user({user, user, "", {}, {}}).has_value());
    require(store_->create_agent({"a", "a", "", {}, {}}).has_value());
    auto id = make_session_id(route_key(user));
    require(store_->create_session({id, user, "a", id, {}, {}}).has_value());
    return id;
  }
  void add(const std::string& session, const std::string& content) {
    ingest::AddRequest request;
    request.session_id = session;
    request.messages.emplace_back();
    request.messages.back().content = content;
    require(run(service_->add_messages(std::move(request))).has_value());
  }
  void query(const std::string& user, const std::string& text) {
    Query query;
    query.user_id = user;
    query.text = text;
    query.top_k = 5;
    require(run(service_->query(std::move(query))).has_value());
  }

 private:
  static void require(bool good) {
    if (!good) std::abort();
  }
  template <class T>
  T run(boost::asio::awaitable<T> work) {
    std::optional<T> answer;
    boost::asio::co_spawn(set_.executor(0), std::move(work), [&](const std::exception_ptr& problem, T value) {
      require(!problem);
      answer.emplace(std::move(value));
    });
    while (!answer) set_.context(0).run_one();
    return std::move(*answer);
  }

  engine::Options options_;
  runtime::ShardSet set_{1};  // never started
  boost::asio::executor_work_guard<runtime::Executor> work_;
  metrics::Probes probes_{1};
  memory::Pressure pressure_;
  io::MemoryFileSystem files_;
  const TemporaryDirectory folder_;
  text::TokenCounter tokens_{"gpt-4o-mini", 1.3};
  runtime::BlockingPool pool_{"store", 1, 1000}, compute_{"compute", 1, 1000};
  std::unique_ptr<store::MemoryStore> store_;
  std::unique_ptr<flush::FlushWorkers> workers_;
  std::unique_ptr<journal::Journal> journal_;
  std::unique_ptr<flush::DeadLetters> letters_;
  std::unique_ptr<engine::Parts> parts_;
  std::vector<std::unique_ptr<engine::UserShard>> shards_;
  std::unique_ptr<service::MemoryService> service_;
};

}  // namespace holdfast::instructions
