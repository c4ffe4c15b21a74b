// A clock that stands still until it is moved. Not thread-safe.
#pragma once

#include "holdfast/base/clock.hpp"

namespace holdfast::metrics {

class SetClock : public Clock {
 public:
  Timestamp now() const override { return Timestamp(std::chrono::microseconds(0)); }
  SteadyTime steady_now() const override { return time_; }
  void advance(std::chrono::nanoseconds by) { time_ += by; }

 private:
  SteadyTime time_{std::chrono::hours(1)};
};

}  // namespace holdfast::metrics
