// The shards: each is one thread that runs one io_context, and everything that belongs to a user lives on the
// shard that its route key names. There is no other way to a user's state than to run on that shard.
//
// Start and stop. start() makes the threads; stop() lets each run until it has nothing left to do and joins
// it, so whoever has work on a shard ends it first (a shard that stopped early would never answer a hop).
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <memory>
#include <thread>
#include <vector>

#include "holdfast/base/ids.hpp"

namespace holdfast::runtime {

namespace asio = boost::asio;
using Executor = asio::io_context::executor_type;

class ShardSet {
 public:
  explicit ShardSet(unsigned count);
  ~ShardSet();  // stop()s

  void start();
  void stop();

  unsigned size() const { return static_cast<unsigned>(contexts_.size()); }
  unsigned owner(RouteKey key) const { return static_cast<unsigned>(key % contexts_.size()); }
  Executor executor(unsigned shard) { return contexts_[shard]->get_executor(); }
  asio::io_context& context(unsigned shard) { return *contexts_[shard]; }

 private:
  // Constant after construction
  std::vector<std::unique_ptr<asio::io_context>> contexts_;
  // Owned by the thread that starts and stops
  std::vector<asio::executor_work_guard<Executor>> guards_;
  std::vector<std::thread> threads_;
};

// CPUs in the process's affinity mask, at most 16: what shards: auto means.
unsigned default_shard_count();

// Runs the coroutine on a shard and comes back to the caller's: one hop there, one back. Exceptions come back
// too.
template <class T>
asio::awaitable<T> hop(Executor target, asio::awaitable<T> work) {
  const auto here = co_await asio::this_coro::executor;
  const auto* current = here.template target<Executor>();
  if (current && *current == target) co_return co_await std::move(work);
  co_return co_await asio::co_spawn(target, std::move(work), asio::use_awaitable);
}

}  // namespace holdfast::runtime
