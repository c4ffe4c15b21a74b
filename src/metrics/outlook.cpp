#include "holdfast/metrics/outlook.hpp"

#include "holdfast/metrics/thread_usage.hpp"

namespace holdfast::metrics {
namespace {

constexpr double kDay = 86'400;

std::optional<double> seconds_to_full(const Summary& summary, std::uint64_t limit) {
  if (limit == 0 || summary.buffer_growth <= 0) return std::nullopt;
  const auto buffered = summary.buffered_bytes;
  const double left = buffered < limit ? static_cast<double>(limit - buffered) : 0.0;
  const double seconds = left / summary.buffer_growth;
  return seconds <= kDay ? std::optional(seconds) : std::nullopt;
}

}  // namespace

Outlook foresee(const Summary& summary, std::uint64_t buffer_limit_bytes) {
  Outlook outlook;
  outlook.seconds_to_full = seconds_to_full(summary, buffer_limit_bytes);
  std::optional<double> most;
  const auto consider = [&](ThreadClass label, const std::optional<double>& utilization) {
    if (!utilization || (most && *most >= *utilization)) return;
    most = utilization;
    outlook.busiest = to_string(label);
  };
  consider(ThreadClass::shard, summary.shard_utilization);
  consider(ThreadClass::journal, summary.journal_utilization);
  consider(ThreadClass::flush, summary.worker_utilization);
  if (most) {
    outlook.at_twice_the_load = 2 * *most;
    outlook.headroom = 1 - 2 * *most;
  }
  return outlook;
}

}  // namespace holdfast::metrics
