// When requests are due. Closed loop: as soon as a connection is free. Open loop: at times that depend on
// nothing the server does; a request that finds every connection busy is sent late, and its latency still
// counts from the time it was due. Without this a stall of the server hides the requests that would have been
// sent meanwhile ("coordinated omission").
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <random>

namespace loadtest {

using Time = std::chrono::steady_clock::time_point;
using Clock = std::function<Time()>;

enum class Arrivals { uniform, poisson };

struct Window {
  Time begin, end;
  // How long after `end` overdue requests of an open loop are still sent.
  std::chrono::nanoseconds grace = std::chrono::seconds(1);
};

class Pacer {
 public:
  struct Turn {
    Time due;
    bool expired = false;  // too late to be sent: count it as unsent, with its wait until now
  };

  // Closed loop. `clock` is asked at every next().
  Pacer(Window window, Clock clock);
  // Open loop at `per_second` requests in all; poisson draws the gaps from an exponential distribution.
  Pacer(Window window, Clock clock, double per_second, Arrivals arrivals, std::uint64_t seed);

  // The next request; nothing when the window is over. A turn is due in the past or in the future.
  std::optional<Turn> next();

 private:
  // Constant after construction
  Window window_;
  Clock clock_;
  double per_second_ = 0;  // 0: closed loop
  Arrivals arrivals_ = Arrivals::uniform;
  // Changed by next()
  std::mt19937_64 random_;
  std::uint64_t taken_ = 0;
  double elapsed_ = 0;  // seconds from begin to the next arrival
};

}  // namespace loadtest
