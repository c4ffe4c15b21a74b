// What happened lately: rates, shares and percentiles over the last aggregation_window (since the first
// sample while younger). The monitor thread takes a sample each collection_interval; health, stats and the
// exporter ask for a summary.
//
// Operation: a summary is the difference between the probes read now and the youngest sample that is at least
// a window old (the oldest one while there is none). It covers the window, and up to one interval more.
// Concurrency: take() on one thread; summary() on any thread, some 3 µs a shard.
// Limits: at most 128 samples of about 6 KiB; with an interval shorter than a 120th of the window, samples
// that come too soon after their predecessor replace it.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>

#include "holdfast/base/clock.hpp"
#include "holdfast/metrics/options.hpp"
#include "holdfast/metrics/probes.hpp"
#include "holdfast/metrics/process_usage.hpp"
#include "holdfast/metrics/summary.hpp"

namespace holdfast::metrics {

// Everything that is counted, at one moment.
struct Sample;
using Moment = std::shared_ptr<const Sample>;

class WindowHistory {
 public:
  // probes and clock must outlive this.
  WindowHistory(const Probes& probes, const Options& options, const Capacity& capacity, const Clock& clock);
  ~WindowHistory();

  // First at start: what the first summaries count from.
  void take(const ProcessUsage& usage);

  // Reads everything now; usage is left out of it where it is not given. Any thread; some 200 µs, mostly in
  // /proc.
  Moment moment(const ProcessUsage& usage = {}) const;
  // What happened between the two. cpu_share and io_wait_share are there when both were taken with usage.
  Summary between(const Moment& earlier, const Moment& later) const;

  const Capacity& capacity() const { return capacity_; }

  // All counts 0 and all optionals but buffer_utilization empty before the first take().
  Summary summary() const;

 private:
  // Constant after construction.
  const Probes& probes_;
  const std::chrono::nanoseconds window_;
  const Capacity capacity_;
  const Clock& clock_;

  mutable std::mutex mutex_;
  std::deque<Moment> samples_;  // guarded by mutex_; oldest first
};

}  // namespace holdfast::metrics
