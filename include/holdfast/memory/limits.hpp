// The limits that the levels are judged by, where they are not given, and how often work that goes in steps
// asks for its level.
//
// Without a number or a sizing, the limits are those of a machine's size, halved (buffers) and cut to 70 %
// (process) where the machine has less than twice the reserve available:
//
//   RAM        buffers   process   kept available   (MiB)
//   < 4 GiB        512      1024              256
//   < 8 GiB       1024      2048              512
//   < 16 GiB      2048      4096             1024
//   more          4096      8192             2048
//
// and never more than 40, 70 and 10 % of the effective limit (RAM, cgroups, RLIMIT_AS).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "holdfast/memory/readings.hpp"

namespace holdfast::memory {

enum class Sizing { automatic, data_pipeline, analytics, ml_training, batch_processing };
enum class Mode { performance, balanced, safety };
std::string_view to_string(Sizing);
std::string_view to_string(Mode);

// 0: not given.
struct GivenLimits {
  std::uint64_t buffer_bytes = 0, process_bytes = 0, available_bytes = 0;
  Sizing sizing = Sizing::automatic;
};

struct Limit {
  std::uint64_t bytes = 0;
  std::string origin;  // for people: "memory.max_buffer_mb", "40 % of memory.max of cgroup /pod"
};

struct Limits {
  Limit buffers;    // of the bytes we account ourselves
  Limit process;    // of resident memory
  Limit available;  // the least that is to stay available
};

Limits choose_limits(const GivenLimits& given, const Readings& readings);

// Every how many steps the level is asked for: 50, 20 or 5 by mode; twice as many steps where there are more
// than 100,000 rows, five times where more than 1,000,000.
std::uint64_t steps_between_checks(Mode mode, std::uint64_t rows);

inline bool should_check(std::uint64_t step, std::uint64_t interval) {
  return interval <= 1 || step % interval == 0;
}

// The checks of work that goes in steps (an import's rows), and how often one found pressure.
class StepChecks {
 public:
  explicit StepChecks(std::uint64_t interval) : interval_(interval) {}
  // Counts a step; true: ask for the level now, and tell found().
  bool step() {
    const bool due = should_check(++steps_, interval_);
    checks_ += due ? 1 : 0;
    return due;
  }
  void found(bool pressure) { events_ += pressure ? 1 : 0; }
  double check_rate() const { return share(checks_, steps_); }
  double pressure_event_rate() const { return share(events_, steps_); }

 private:
  static double share(std::uint64_t part, std::uint64_t of) {
    return of == 0 ? 0.0 : static_cast<double>(part) / static_cast<double>(of);
  }
  std::uint64_t interval_, steps_ = 0, checks_ = 0, events_ = 0;
};

}  // namespace holdfast::memory
