// A value that is replaced as a whole while others read it: who got one keeps it. Any thread.
#pragma once

#include <memory>
#include <mutex>
#include <utility>

namespace holdfast {

// With a mutex, because GCC 12's std::atomic<std::shared_ptr> does not order its load before its unlock,
// which is a data race.
template <class T>
class Snapshot {
 public:
  explicit Snapshot(std::shared_ptr<const T> now = nullptr) : now_(std::move(now)) {}

  std::shared_ptr<const T> get() const {
    const std::lock_guard lock(mutex_);
    return now_;
  }
  void set(std::shared_ptr<const T> next) {
    const std::lock_guard lock(mutex_);
    now_.swap(next);
  }

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const T> now_;
};

}  // namespace holdfast
