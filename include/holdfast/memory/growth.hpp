// Where memory use is going: the straight line of least squares through its recent past. One thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>

#include "holdfast/base/clock.hpp"

namespace holdfast::memory {

class Growth {
 public:
  // covers: how much of the past counts. One sample is kept of each 64th of it.
  explicit Growth(std::chrono::seconds covers) : covers_(covers) {}

  void add(SteadyTime now, std::uint64_t bytes);
  // Negative where it shrinks. Nothing before half of the time is covered.
  std::optional<double> bytes_a_second() const;
  // Until that many bytes, from the last sample. Nothing where it will not get there within a day.
  std::optional<double> seconds_until(std::uint64_t limit) const;

 private:
  struct Sample {
    SteadyTime at;
    double bytes;
  };
  std::chrono::seconds covers_;
  std::deque<Sample> samples_;
  double latest_ = 0;
};

}  // namespace holdfast::memory
