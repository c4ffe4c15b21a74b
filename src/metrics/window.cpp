#include "holdfast/metrics/window.hpp"

#include <utility>

#include "metrics/sample.hpp"

namespace holdfast::metrics {

namespace {

constexpr int kSamplesPerWindow = 120;

}  // namespace

WindowHistory::WindowHistory(const Probes& probes, const Options& options, const Capacity& capacity,
                             const Clock& clock)
    : probes_(probes), window_(options.aggregation_window), capacity_(capacity), clock_(clock) {}

WindowHistory::~WindowHistory() = default;

Moment WindowHistory::moment(const ProcessUsage& usage) const {
  return std::make_shared<const Sample>(
      Sample{clock_.steady_now(), read_totals(probes_), read_thread_usage(), usage});
}

void WindowHistory::take(const ProcessUsage& usage) {
  auto sample = moment(usage);
  const auto window_start = sample->time - window_;
  const std::lock_guard lock(mutex_);
  const auto kept = samples_.size();
  if (kept >= 2 && samples_[kept - 1]->time - samples_[kept - 2]->time < window_ / kSamplesPerWindow) {
    samples_.back() = std::move(sample);
  } else {
    samples_.push_back(std::move(sample));
  }
  while (samples_.size() >= 2 && samples_[1]->time <= window_start) samples_.pop_front();
}

Summary WindowHistory::between(const Moment& earlier, const Moment& later) const {
  return summarize(*earlier, *later, capacity_);
}

Summary WindowHistory::summary() const {
  Moment base, latest;
  if (const std::lock_guard lock(mutex_); !samples_.empty()) {
    base = samples_.front();
    latest = samples_.back();
  }
  const Sample now{clock_.steady_now(), read_totals(probes_), {}, {}};
  if (!base) return summarize_gauges(now, capacity_);
  auto summary = summarize(*base, now, capacity_);
  add_usage(*base, *latest, capacity_, summary);
  return summary;
}

}  // namespace holdfast::metrics
