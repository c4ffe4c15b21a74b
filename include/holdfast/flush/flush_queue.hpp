// Batches on their way from the shards to the flush workers: bounded, most urgent first, oldest first among
// equals. Thread-safe.
#pragma once

#include <array>
#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <vector>

#include "holdfast/base/result.hpp"
#include "holdfast/metrics/probes.hpp"
#include "holdfast/store/memory_store.hpp"

namespace holdfast::flush {

enum class Priority : std::size_t {
  critical,  // somebody waits for it, or it is overdue: bypass writes, flush requests, force, shutdown
  high,      // changes and erasures
  normal,    // size reached, memory critical
  low,       // the interval has passed
  count
};

struct Job {
  store::SessionBatch batch;  // features that are null are filled in by the worker
  Priority priority = Priority::normal;
  SteadyTime handed_over{};                // when it was pushed
  std::function<void(Result<void>)> done;  // called once, on the worker's thread; must not block
};

class FlushQueue {
 public:
  FlushQueue(std::size_t max_jobs, metrics::FlushProbe& probe) : max_jobs_(max_jobs), probe_(probe) {}

  // Takes a place for one job; false when the queue is full or closed. A place taken must be filled by
  // push().
  bool reserve();
  void release();  // gives it back unfilled
  void push(Job job);

  // Blocks for work; up to max_jobs of the most urgent, and no more once they hold max_bytes of contents or
  // max_operations. Empty: closed and drained.
  std::vector<Job> pop(std::size_t max_jobs, std::size_t max_bytes = ~std::size_t{0},
                       std::size_t max_operations = ~std::size_t{0});

  void close();
  std::size_t depth() const { return places_.load(std::memory_order_relaxed); }
  std::size_t capacity() const { return max_jobs_; }

 private:
  const std::size_t max_jobs_;
  metrics::FlushProbe& probe_;
  std::atomic<std::size_t> places_{0};  // reserved or queued
  // Guarded by mutex_
  std::mutex mutex_;
  std::condition_variable ready_;
  std::array<std::deque<Job>, static_cast<std::size_t>(Priority::count)> jobs_;
  bool closed_ = false;
};

}  // namespace holdfast::flush
