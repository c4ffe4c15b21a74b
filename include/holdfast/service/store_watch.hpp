// Asks the store now and then whether it is well, on the store's own threads, and remembers the answer for
// health and metrics. ask() from one thread, the rest from any.
#pragma once

#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "holdfast/base/clock.hpp"
#include "holdfast/runtime/blocking_pool.hpp"
#include "holdfast/store/memory_store.hpp"

namespace holdfast::service {

class StoreWatch {
 public:
  struct State {
    bool asked = false;                          // false until the first answer
    std::string error;                           // of the last answer; empty when it was well
    std::chrono::milliseconds took{0};           // the last answer
    std::optional<SteadyTime> unanswered_since;  // a question that waits for its answer
    std::optional<store::StoreCounts> counts;    // the last good answer
    Timestamp counted_at{};                      // and its time
  };

  // All must outlive the watch; the pool is stopped before the watch goes.
  StoreWatch(store::MemoryStore& store, runtime::BlockingPool& pool, const Clock& clock)
      : store_(store), pool_(pool), clock_(clock) {}

  void ask();  // does nothing while a question is open
  State state() const;

 private:
  void answer();

  store::MemoryStore& store_;
  runtime::BlockingPool& pool_;
  const Clock& clock_;
  mutable std::mutex mutex_;
  State state_;  // guarded by mutex_
};

}  // namespace holdfast::service
