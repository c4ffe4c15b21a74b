#include "monitor.hpp"

#include <pthread.h>

#include <algorithm>
#include <utility>

namespace holdfast {

Monitor::Monitor(const metrics::Options& options, metrics::UsageSources sources,
                 metrics::WindowHistory& window, service::StoreWatch& store, memory::Watch& memory,
                 metrics::ComponentTrends& trends, std::function<void(memory::Level)> level_changed,
                 std::function<void()> window_over)
    : options_(options),
      sources_(std::move(sources)),
      window_(window),
      store_(store),
      memory_(memory),
      trends_(trends),
      level_changed_(std::move(level_changed)),
      window_over_(std::move(window_over)) {
  window_.take(metrics::read_process_usage(sources_));
  store_.ask();
  thread_ = std::thread([this] { run(); });
  pthread_setname_np(thread_.native_handle(), "monitor");
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
  using SteadyClock = std::chrono::steady_clock;
  auto next_check = SteadyClock::now();
  auto next_sample = SteadyClock::now() + options_.collection_interval;
  auto next_question = SteadyClock::now() + options_.health_check_interval;
  auto next_window = SteadyClock::now() + options_.aggregation_window;
  std::unique_lock lock(mutex_);
  while (!wake_.wait_until(lock, std::min({next_check, next_sample, next_question, next_window}),
                           [this] { return stopping_; })) {
    const auto now = SteadyClock::now();
    if (now >= next_check) {
      if (memory_.check(now)) level_changed_(memory_.report().level);
      trends_.look(now, memory_.report().readings.resident_bytes);
      next_check = now + memory_.next_interval();
    }
    if (now >= next_sample) {
      window_.take(metrics::read_process_usage(sources_));
      next_sample = now + options_.collection_interval;
    }
    if (now >= next_window) {
      window_over_();
      next_window = now + options_.aggregation_window;
    }
    if (now >= next_question) {
      store_.ask();
      next_question = now + options_.health_check_interval;
    }
  }
}

}  // namespace holdfast
