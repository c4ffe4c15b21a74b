#include "holdfast/flush/circuit_breaker.hpp"

#include <algorithm>
#include <utility>

namespace holdfast::flush {
namespace {

// A probe that is never answered (a store that hangs) lets another one go after this.
constexpr std::chrono::seconds kProbeAnswer{30};

}  // namespace

bool CircuitBreaker::admit(SteadyTime now) {
  const std::lock_guard lock(mutex_);
  if (!open_) return true;
  if (now < next_probe_) return false;
  next_probe_ = now + kProbeAnswer;
  return true;
}

bool CircuitBreaker::succeeded() {
  const std::lock_guard lock(mutex_);
  failures_ = probes_ = 0;
  if (!open_) return false;
  open_ = false;
  ++recoveries_;
  return true;
}

bool CircuitBreaker::failed(SteadyTime now, std::uint64_t random) {
  const std::lock_guard lock(mutex_);
  if (!open_ && ++failures_ < kFailuresToOpen) return false;
  const auto doublings = std::min(open_ ? ++probes_ : 0, 10u);
  const bool was_open = std::exchange(open_, true);
  const auto longest = std::min(kFirstWait * (1 << doublings), kLongestWait);
  const auto share = static_cast<double>(random >> 11) * 0x1p-53;
  next_probe_ =
      now + std::max(kFirstWait / 10, std::chrono::duration_cast<std::chrono::milliseconds>(longest * share));
  return !was_open;
}

bool CircuitBreaker::trip(SteadyTime now) {
  const std::lock_guard lock(mutex_);
  if (open_) return false;
  open_ = true;
  next_probe_ = now + kProbeAnswer;  // the write that runs is the probe
  return true;
}

bool CircuitBreaker::open() const {
  const std::lock_guard lock(mutex_);
  return open_;
}

std::uint64_t CircuitBreaker::recoveries() const {
  const std::lock_guard lock(mutex_);
  return recoveries_;
}

}  // namespace holdfast::flush
