// Keeps the daemon from hammering a store that does not take anything (the pattern: Nygard, "Release It!").
// Closed: everything goes. After kFailuresToOpen failures in a row it opens: nothing goes, until after a wait
// one write may probe. A probe that succeeds closes it, one that fails doubles the wait (full jitter, from
// kFirstWait up to kLongestWait). Thread-safe.
#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>

#include "holdfast/base/clock.hpp"

namespace holdfast::flush {

class CircuitBreaker {
 public:
  static constexpr unsigned kFailuresToOpen = 5;
  static constexpr std::chrono::milliseconds kFirstWait{100};
  static constexpr std::chrono::milliseconds kLongestWait{30'000};

  // True: a write may be tried now; its outcome must be told.
  bool admit(SteadyTime now);

  // True: it has opened, or closed, by this.
  bool succeeded();
  // random: 64 uniform bits.
  bool failed(SteadyTime now, std::uint64_t random);
  bool trip(SteadyTime now);  // opens at once: a write has been running for long

  bool open() const;
  // How often it has closed again: whoever waits for the store looks whether this has changed.
  std::uint64_t recoveries() const;

 private:
  mutable std::mutex mutex_;
  unsigned failures_ = 0;  // in a row
  bool open_ = false;
  unsigned probes_ = 0;  // that failed since it opened
  SteadyTime next_probe_{};
  std::uint64_t recoveries_ = 0;
};

}  // namespace holdfast::flush
