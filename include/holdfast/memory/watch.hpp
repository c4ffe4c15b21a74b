// One check of memory after the other: read, judge, tell. The monitor thread runs it; tests run it with files
// and times of their own.
//
// Concurrency: check() on one thread; report() on any.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>

#include "holdfast/memory/growth.hpp"
#include "holdfast/memory/level.hpp"
#include "holdfast/memory/limits.hpp"
#include "holdfast/memory/pressure.hpp"
#include "holdfast/memory/readings.hpp"

namespace holdfast::memory {

struct WatchOptions {
  GivenLimits limits;
  std::chrono::milliseconds interval{250};  // between checks at normal
  double defrag_threshold = 0.3;            // of resident memory that may be fragments before it is purged
  Mode mode = Mode::balanced;               // how often work that goes in steps asks for the level
};

// The last check, and what is counted since the start.
struct Report {
  Level level = Level::normal;
  std::optional<Signal> cause;
  std::uint64_t accounted_bytes = 0;
  Readings readings;
  Limits limits;
  Shares shares;
  // Of the last five minutes. Resident memory that grows while what is accounted does not is a leak, or the
  // allocator's.
  std::optional<double> resident_growth, accounted_growth;  // bytes a second
  std::optional<double> seconds_to_limit;                   // of the process, as it grows now
  // Share of resident memory that nobody accounts for, above the least of it since the last purge (or the
  // first check): what lies between what is in use, mostly. Nothing where resident memory is unreadable.
  std::optional<double> fragmentation;
  std::uint64_t checks = 0;
  std::array<std::uint64_t, static_cast<std::size_t>(Level::count)> entered{};  // transitions into each level
  std::chrono::nanoseconds cpu{0};  // of the thread, during the checks
};

// A reading beside its limit and where that comes from, for people. Precondition: the signal could be read.
std::string describe(Signal signal, const Report& report);
// The text of a log line for a change of level.
std::string describe_transition(Level from, Level to, const Report& report);

class Watch {
 public:
  // accounted: the bytes that we count ourselves, cheaply. pressure must outlive this; its level and batch
  // limit are set by each check. The limits that are not given are chosen here.
  Watch(const WatchOptions& options, const Sources& sources, std::function<std::uint64_t()> accounted,
        Pressure& pressure);

  // From the next check on.
  void set_limits(const GivenLimits& given);
  // True: the level is another one now (logged, with the reason).
  bool check(SteadyTime now);
  // Until the next check: the interval, two fifths of it at warning, a fifth above.
  std::chrono::milliseconds next_interval() const;
  Report report() const;
  Limits limits() const;

 private:
  std::optional<double> fragmentation_of(const Report& report);
  void purge_when_due(const Report& report, SteadyTime now);

  const std::chrono::milliseconds interval_;
  const double defrag_threshold_;
  Reader reader_;
  const Readings started_with_;
  const std::function<std::uint64_t()> accounted_;
  Pressure& pressure_;
  LevelTracker tracker_;
  BatchLimit batch_limit_;
  Growth resident_growth_, accounted_growth_;
  std::optional<SteadyTime> last_check_, last_purge_;
  std::optional<std::uint64_t> unaccounted_floor_;  // what no purge gives back
  // Guarded by mutex_
  mutable std::mutex mutex_;
  Limits limits_;
  Report report_;
};

}  // namespace holdfast::memory
