// The threads that write batches to the store. Each takes what is most urgent, several sessions' batches at a
// time, computes their terms and vectors (in parallel with the other workers) and hands them to the store in
// one call. A worker tries once: when to try again is the owner's business, so a slow retry never holds a
// worker.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "holdfast/base/clock.hpp"
#include "holdfast/flush/circuit_breaker.hpp"
#include "holdfast/flush/flush_queue.hpp"
#include "holdfast/flush/options.hpp"
#include "holdfast/memory/pressure.hpp"
#include "holdfast/text/embedder.hpp"

namespace holdfast::flush {

class FlushWorkers {
 public:
  // Everything referenced must outlive the workers.
  FlushWorkers(const Options& options, store::MemoryStore& store, const text::Embedder& embedder,
               const Clock& clock, const memory::Pressure& pressure, metrics::FlushProbe& probe);
  ~FlushWorkers();  // stop()s

  FlushQueue& queue() { return queue_; }
  CircuitBreaker& breaker() { return breaker_; }
  const CircuitBreaker& breaker() const { return breaker_; }
  // Dead letters since the store last took something: when everything is refused it is an outage.
  std::atomic<unsigned>& dead_in_a_row() { return dead_in_a_row_; }
  // Writes what is queued, then joins.
  void stop();

  unsigned size() const { return static_cast<unsigned>(threads_.size()); }
  // How many of them take batches, 1…size(): the others wait, once they have written what they have. Any
  // thread.
  void set_working(unsigned workers);
  unsigned working() const { return working_.load(std::memory_order_relaxed); }
  // How long the longest store write that is running now has been running; 0 when none runs. Any thread.
  std::chrono::nanoseconds longest_write() const;

 private:
  void run(std::size_t worker);
  void wait_for_turn(std::size_t worker);
  void write(std::vector<Job> jobs, std::size_t worker);
  // Answer: when it ended.
  SteadyTime fill_features(store::SessionBatch& batch, SteadyTime began);

  // Constant after construction
  const Options options_;
  store::MemoryStore& store_;
  const text::Embedder& embedder_;
  const Clock& clock_;
  const memory::Pressure& pressure_;
  metrics::FlushProbe& probe_;
  FlushQueue queue_;
  CircuitBreaker breaker_;
  std::atomic<unsigned> dead_in_a_row_{0};
  std::vector<std::atomic<std::int64_t>> write_began_;  // steady ns of each worker's running write; 0: idle
  std::atomic<unsigned> working_;
  // Guarded by rest_mutex_
  std::mutex rest_mutex_;
  std::condition_variable rested_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace holdfast::flush
