// The monitor thread: the checks of memory at their own interval, a sample of all probes for the history each
// collection interval, and the question to the store whether it is well each health check interval.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

#include "holdfast/memory/watch.hpp"
#include "holdfast/metrics/component_trends.hpp"
#include "holdfast/metrics/options.hpp"
#include "holdfast/metrics/process_usage.hpp"
#include "holdfast/metrics/window.hpp"
#include "holdfast/service/store_watch.hpp"

namespace holdfast {

class Monitor {
 public:
  // Everything referenced must outlive the monitor. level_changed, and window_over each aggregation window,
  // are called on the thread and must not block.
  Monitor(const metrics::Options& options, metrics::UsageSources sources, metrics::WindowHistory& window,
          service::StoreWatch& store, memory::Watch& memory, metrics::ComponentTrends& trends,
          std::function<void(memory::Level)> level_changed, std::function<void()> window_over);
  ~Monitor();  // stop()s

  void stop();

 private:
  void run();

  const metrics::Options options_;
  const metrics::UsageSources sources_;
  metrics::WindowHistory& window_;
  service::StoreWatch& store_;
  memory::Watch& memory_;
  metrics::ComponentTrends& trends_;
  const std::function<void(memory::Level)> level_changed_;
  const std::function<void()> window_over_;
  // Guarded by mutex_
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;

  std::thread thread_;
};

}  // namespace holdfast
