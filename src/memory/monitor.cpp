#include "holdfast/memory/monitor.hpp"

#include <pthread.h>

#include <utility>

namespace holdfast::memory {

Monitor::Monitor(Watch& watch, std::function<void(Level)> changed)
    : watch_(watch), changed_(std::move(changed)) {
  thread_ = std::thread([this] { run(); });
  pthread_setname_np(thread_.native_handle(), "memory");
}

Monitor::~Monitor() {
  stop();
}

void Monitor::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void Monitor::run() {
  std::unique_lock lock(mutex_);
  do {
    lock.unlock();
    if (watch_.check(std::chrono::steady_clock::now())) changed_(watch_.report().level);
    lock.lock();
  } while (!wake_.wait_for(lock, watch_.next_interval(), [this] { return stopping_; }));
}

}  // namespace holdfast::memory
