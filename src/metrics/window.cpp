#include "holdfast/metrics/window.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "metrics/sample.hpp"

namespace holdfast::metrics {

namespace {

constexpr int kSamplesPerWindow = 120;
constexpr int kMostOlder = 512;

}  // namespace

WindowHistory::WindowHistory(const Probes& probes, const Options& options, const Capacity& capacity,
                             const Clock& clock)
    : probes_(probes),
      window_(options.aggregation_window),
      retention_(options.retention_period),
      clock_(clock),
      capacity_(capacity) {}

WindowHistory::~WindowHistory() = default;

Capacity WindowHistory::capacity() const {
  const std::lock_guard lock(mutex_);
  return capacity_;
}

void WindowHistory::set_capacity(const Capacity& capacity) {
  const std::lock_guard lock(mutex_);
  capacity_ = capacity;
}

Moment WindowHistory::moment(const ProcessUsage& usage) const {
  return std::make_shared<const Sample>(
      Sample{clock_.steady_now(), clock_.now(), read_totals(probes_), read_thread_usage(), usage});
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
  while (samples_.size() >= 2 && samples_[1]->time <= window_start) retire_oldest(samples_.back()->time);
}

void WindowHistory::retire_oldest(SteadyTime now) {
  const auto spacing = std::max(window_, retention_ / kMostOlder);
  if (older_.empty() || samples_.front()->time - older_.back()->time >= spacing) {
    older_.push_back(std::move(samples_.front()));
  }
  samples_.pop_front();
  while (older_.size() >= 2 && older_[1]->time <= now - retention_) older_.pop_front();
}

Moment WindowHistory::at_least_ago(SteadyTime time) const {
  for (const auto* samples : {&samples_, &older_}) {
    const auto later = [](SteadyTime wanted, const Moment& moment) { return wanted < moment->time; };
    const auto found = std::upper_bound(samples->begin(), samples->end(), time, later);
    if (found != samples->begin()) return *std::prev(found);
  }
  return older_.empty() ? samples_.front() : older_.front();
}

Summary WindowHistory::between(const Moment& earlier, const Moment& later) const {
  return summarize(*earlier, *later, capacity());
}

Summary WindowHistory::summary(std::chrono::nanoseconds window) const {
  Moment base, latest;
  if (const std::lock_guard lock(mutex_); !samples_.empty()) {
    base = at_least_ago(samples_.back()->time - window);
    latest = samples_.back();
  }
  // After the base, so that nothing seems to go backwards.
  const Sample now{clock_.steady_now(), clock_.now(), read_totals(probes_), {}, {}};
  const auto capacity = this->capacity();
  if (!base) return summarize_gauges(now, capacity);
  auto summary = summarize(*base, now, capacity);
  add_usage(*base, *latest, capacity, summary);
  return summary;
}

std::vector<WindowHistory::Row> WindowHistory::rows(std::chrono::nanoseconds window) const {
  std::vector<Moment> moments;
  if (const std::lock_guard lock(mutex_); !samples_.empty()) {
    const auto begin = at_least_ago(samples_.back()->time - window)->time;
    if (window > window_ && !older_.empty()) {
      moments.assign(older_.begin(), older_.end());
      for (const auto& moment : samples_) {
        if (moment == samples_.back() || moment->time - moments.back()->time >= window_)
          moments.push_back(moment);
      }
    } else {
      moments.assign(samples_.begin(), samples_.end());
    }
    std::erase_if(moments, [&](const Moment& moment) { return moment->time < begin; });
  }
  std::vector<Row> rows;
  const auto capacity = this->capacity();
  for (std::size_t i = 1; i < moments.size(); ++i) {
    rows.push_back({moments[i]->wall, summarize(*moments[i - 1], *moments[i], capacity)});
  }
  return rows;
}

}  // namespace holdfast::metrics
