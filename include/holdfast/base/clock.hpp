// Time, injected: production code takes a Clock, tests give it a FakeClock (tests/fakes/fake_clock.hpp).
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "holdfast/base/result.hpp"

namespace holdfast {

using Timestamp = std::chrono::sys_time<std::chrono::microseconds>;  // UTC wall time, for people and records
using SteadyTime = std::chrono::steady_clock::time_point;            // for intervals and deadlines

// Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual Timestamp now() const = 0;
  virtual SteadyTime steady_now() const = 0;
};

// The machine's clocks. Lives for ever.
const Clock& system_clock();

// "2026-11-21T04:15:00.123456Z": always UTC, always six digits of fraction. The nearest that can be written
// so for times outside the years 0000 to 9999.
std::string to_iso8601(Timestamp time);

// Takes RFC 3339 date-times ("…Z" or "+01:00", any fraction; a missing zone is read as UTC) in the
// years 0000 to 9999. Error: permanent.
Result<Timestamp> parse_iso8601(std::string_view text);

}  // namespace holdfast
