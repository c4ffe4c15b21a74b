// The thread that checks memory.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

#include "holdfast/memory/watch.hpp"

namespace holdfast::memory {

class Monitor {
 public:
  // watch must outlive this. changed is called on the thread after each change of level; it must not block.
  Monitor(Watch& watch, std::function<void(Level)> changed);
  ~Monitor();  // stop()s

  void stop();

 private:
  void run();

  Watch& watch_;
  const std::function<void(Level)> changed_;
  // Guarded by mutex_
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;

  std::thread thread_;
};

}  // namespace holdfast::memory
