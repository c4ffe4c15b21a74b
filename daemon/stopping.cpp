// How the daemon ends: what is buffered goes to the store, within its time.
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_future.hpp>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <future>
#include <mutex>
#include <thread>

#include "daemon.hpp"
#include "holdfast/base/log.hpp"
#include "run_on.hpp"

namespace holdfast {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

constexpr seconds kRequestsEnd{3};  // for requests in flight, at the stop
constexpr milliseconds kStopAtMost{24'500};
constexpr milliseconds kHurryInterval{20};
constexpr seconds kCloseAtMost{3};  // where nothing is drained

// Ends the process when the stop takes too long, a store that hangs in a write for instance. Everything
// acknowledged is already as durable as its answer said.
class StopDeadline {
 public:
  explicit StopDeadline(milliseconds at_most) : at_most_(at_most), thread_([this] { run(); }) {}
  ~StopDeadline() {
    {
      const std::lock_guard lock(mutex_);
      done_ = true;
    }
    wake_.notify_one();
    thread_.join();
  }

 private:
  void run() {
    std::unique_lock lock(mutex_);
    if (wake_.wait_for(lock, at_most_, [this] { return done_; })) return;
    log::error("stopping took too long; what is not in the store is in the journal");
    std::_Exit(0);
  }
  const milliseconds at_most_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool done_ = false;
  std::thread thread_;
};

}  // namespace

void Daemon::stop(const std::function<bool()>& hurry) {
  const StopDeadline deadline(kStopAtMost);
  status_->set_phase(http::Phase::stopping);
  log::info("stopping: draining for at most {} s", (drain_delay() + drain_timeout()).count() / 1000);
  drain(hurry);
  close();
  const auto left = probes_.journal.unacknowledged.value();
  log::info("stopped; left in the journal for the next start: {} operations", left);
}

milliseconds Daemon::drain_delay() {
  const std::lock_guard lock(reload_mutex_);
  return loaded_.settings.drain_delay;
}

milliseconds Daemon::drain_timeout() {
  const std::lock_guard lock(reload_mutex_);
  return loaded_.settings.drain_timeout;
}

void Daemon::drain(const std::function<bool()>& hurry) {
  const auto wait_for = [&](auto future) {
    while (future.wait_for(kHurryInterval) != std::future_status::ready) {
      if (hurry()) return false;
    }
    return true;
  };
  const auto on_first_shard = [&](auto work) {
    return boost::asio::co_spawn(shard_set_.executor(0), std::move(work), boost::asio::use_future);
  };
  const auto serve_until = steady_clock::now() + drain_delay();
  while (steady_clock::now() < serve_until) {
    if (hurry()) return;
  }
  if (!wait_for(on_first_shard(server_->stop_accepting()))) return;
  const auto requests_end = steady_clock::now() + kRequestsEnd;
  if (!wait_for(on_first_shard(server_->drain(requests_end)))) return;
  const auto flush_until = steady_clock::now() + drain_timeout();
  wait_for(on_first_shard(memory_->drain(metrics::FlushReason::shutdown, flush_until)));
}

void Daemon::close_soon() {
  const StopDeadline deadline(kCloseAtMost);
  close();
}

// Nothing new arrives any more, so each part is closed once those that use it are.
void Daemon::close() {
  monitor_->stop();
  if (serving_) {
    run_on(shard_set_.executor(0), server_->stop_accepting());
    run_on(shard_set_.executor(0), server_->drain(steady_clock::now()));
  }
  if (remote_) {
    remote_->stop();
    back_fill_->stop();
  }
  flush_workers_->stop();
  store_pool_->stop();
  compute_pool_->stop();
  for (auto& shard : shards_) {
    std::promise<void> stopped;
    boost::asio::post(shard->executor, [&] {
      shard->flush_loop.stop();
      shard->predictions.close();
      stopped.set_value();
    });
    stopped.get_future().wait();
  }
  journal_->stop();
  shard_set_.stop();
}

}  // namespace holdfast
