// What happened lately, and before: rates, shares and percentiles over the last aggregation_window (since the
// first sample while younger), or over any time back to the retention_period. The monitor thread takes a
// sample each collection_interval; health, stats and the exporter ask for a summary, the history for rows.
//
// Operation: a sample is everything that is counted, at one moment; whatever is told is the difference of
// two. So a row of the history has the exact percentiles of its time, and a summary covers its window and up
// to one interval more (of the samples that are kept there). All samples of the last window are kept, of
// those before one each window. Concurrency: take() on one thread; the others on any, some 10 µs a shard and
// 15 µs a row. Limits: at most 128 samples of the last window (with an interval shorter than a 120th of it,
// samples that come too soon after their predecessor replace it) and 512 before it (with a longer retention
// they are further apart), of less than 7 KiB: 4.4 MB, 2.4 MB with the default settings.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

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

  Capacity capacity() const;
  void set_capacity(const Capacity& capacity);  // from now on, for what is past too

  // All counts 0 and all optionals but buffer_utilization empty before the first take().
  Summary summary() const { return summary(window_); }
  Summary summary(std::chrono::nanoseconds window) const;

  struct Row {
    Timestamp end;  // the summary covers the time before
    Summary summary;
  };
  // Oldest first: a row each interval for what lies within the aggregation window, else a row each window and
  // one for what came after.
  std::vector<Row> rows(std::chrono::nanoseconds window) const;

 private:
  void retire_oldest(SteadyTime now);  // with mutex_ held
  // The youngest sample that is at least so old, or the oldest one; with mutex_ held.
  Moment at_least_ago(SteadyTime time) const;

  // Constant after construction.
  const Probes& probes_;
  const std::chrono::nanoseconds window_, retention_;
  const Clock& clock_;

  mutable std::mutex mutex_;
  // Guarded by mutex_; oldest first.
  Capacity capacity_;
  std::deque<Moment> older_;    // one each window
  std::deque<Moment> samples_;  // of the last window
};

}  // namespace holdfast::metrics
