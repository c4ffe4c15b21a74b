#include "pacer.hpp"

#include <utility>

namespace loadtest {

Pacer::Pacer(Window window, Clock clock) : window_(window), clock_(std::move(clock)) {}

Pacer::Pacer(Window window, Clock clock, double per_second, Arrivals arrivals, std::uint64_t seed)
    : window_(window),
      clock_(std::move(clock)),
      per_second_(per_second),
      arrivals_(arrivals),
      random_(seed) {}

std::optional<Pacer::Turn> Pacer::next() {
  const auto now = clock_();
  if (per_second_ == 0) {
    if (now >= window_.end) return std::nullopt;
    return Turn{now};
  }
  const auto due = window_.begin + std::chrono::duration_cast<std::chrono::nanoseconds>(
                                       std::chrono::duration<double>(elapsed_));
  if (due >= window_.end) return std::nullopt;
  ++taken_;
  // From the count, not by adding, so that uniform arrivals do not drift.
  elapsed_ = arrivals_ == Arrivals::uniform
                 ? static_cast<double>(taken_) / per_second_
                 : elapsed_ + std::exponential_distribution<double>(per_second_)(random_);
  return Turn{due, now >= window_.end + window_.grace};
}

}  // namespace loadtest
