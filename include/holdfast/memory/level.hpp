// How far memory is used up, as one of four levels, and the rule by which a level is left again. No threads,
// no files: what is read goes in, the level comes out.
//
// Thresholds. The worst signal decides. A share of a limit above 0.70 is warning, above 0.90 critical,
// from 1.0 on emergency. Available memory below 2.0 times its minimum is warning, below 1.5 critical,
// below 1.0 emergency.
//
// A level is entered at once, however far up. It is left downwards one level at a time, once every signal has
// been 0.05 below the share (available memory: a tenth above the value) at which it is entered, for 3 checks
// and 2 s. A load that swings by 3 % therefore cannot make it flutter.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string_view>

#include "holdfast/base/clock.hpp"

namespace holdfast::memory {

enum class Level : std::size_t { normal, warning, critical, emergency, count };
enum class Signal : std::size_t {
  accounted,      // bytes we count ourselves / their limit
  resident,       // resident memory of the process / its limit
  cgroup,         // working set / limit, of the cgroup around us where that is the worst
  address_space,  // virtual memory / RLIMIT_AS
  available,      // memory that is still to be had / the minimum: small is bad
  count
};
std::string_view to_string(Level);
std::string_view to_string(Signal);

// Each signal in relation to its limit. One that cannot be read is not there, and decides nothing.
class Shares {
 public:
  std::optional<double>& operator[](Signal signal) { return values_[static_cast<std::size_t>(signal)]; }
  const std::optional<double>& operator[](Signal signal) const {
    return values_[static_cast<std::size_t>(signal)];
  }

 private:
  std::array<std::optional<double>, static_cast<std::size_t>(Signal::count)> values_{};
};

struct Judgement {
  Level level = Level::normal;
  std::optional<Signal> cause;  // the signal that made it, of several the first; none at normal
};
Judgement judge(const Shares& shares);

class LevelTracker {
 public:
  // One check. Times never go back.
  Level check(const Shares& shares, SteadyTime now);
  Level level() const { return level_; }

 private:
  Level level_ = Level::normal;
  unsigned calm_checks_ = 0;
  SteadyTime calm_since_{};
};

}  // namespace holdfast::memory
