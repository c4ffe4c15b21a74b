// Threads for calls that block (the store's reads and catalogue), so that no shard ever does. The queue is
// bounded: a full one answers overloaded at once.
#pragma once

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "holdfast/base/result.hpp"

namespace holdfast::runtime {

namespace asio = boost::asio;

class BlockingPool {
 public:
  BlockingPool(std::string name, unsigned threads, std::size_t max_queued);
  ~BlockingPool();  // stop()s

  // False when the queue is full or the pool is stopped. Any thread.
  bool submit(std::function<void()> work);
  // Finishes what is queued, then joins.
  void stop();

 private:
  void run();

  // Constant after construction
  const std::size_t max_queued_;
  // Guarded by mutex_
  std::mutex mutex_;
  std::condition_variable ready_;
  std::deque<std::function<void()>> queue_;
  bool stopping_ = false;
  // Owned by the thread that stops
  std::vector<std::thread> threads_;
};

// Runs call() (returning Result<T>) on the pool and waits at most timeout for it; a later result is dropped.
// call must own everything it uses: it may still run after the caller is gone. Continues on the caller's
// executor.
template <class Call>
asio::awaitable<std::invoke_result_t<Call>> call_blocking(BlockingPool& pool,
                                                          std::chrono::milliseconds timeout, Call call) {
  using Answer = std::invoke_result_t<Call>;
  struct Waiting {
    explicit Waiting(asio::any_io_executor executor) : timer(std::move(executor)) {}
    asio::steady_timer timer;
    std::optional<Answer> answer;
  };
  auto waiting = std::make_shared<Waiting>(co_await asio::this_coro::executor);
  // The answer is posted to the caller's shard, so it cannot arrive before the wait below has begun.
  const bool queued = pool.submit([waiting, call = std::move(call)]() mutable {
    asio::post(waiting->timer.get_executor(), [waiting, answer = call()]() mutable {
      waiting->answer.emplace(std::move(answer));
      waiting->timer.cancel();
    });
  });
  if (!queued) co_return overloaded("too many store requests are waiting");
  waiting->timer.expires_after(timeout);
  co_await waiting->timer.async_wait(asio::as_tuple(asio::use_awaitable));
  if (!waiting->answer) co_return retryable("the store did not answer in time");
  co_return std::move(*waiting->answer);
}

}  // namespace holdfast::runtime
