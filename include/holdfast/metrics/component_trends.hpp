// Each component of accounted memory over the last minutes: how fast it grows, and whether it looks like a
// leak (memory/rising_floor.hpp).
//
// What has left a component is counted for the buffers, the updates and the requests, which are emptied all
// of the time. Caches and the journal's tables fill up to their own limits, and are never suspected. What is
// resident and not accounted for (the program, the store's own pages, the allocator) is nobody's, so it is
// suspected whatever leaves the rest.
//
// Concurrency: look() on one thread, report() on any.
#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>
#include <vector>

#include "holdfast/memory/growth.hpp"
#include "holdfast/memory/rising_floor.hpp"
#include "holdfast/metrics/accounted.hpp"

namespace holdfast::metrics {

struct Trend {
  std::uint64_t bytes = 0;               // at the last look
  std::optional<double> bytes_a_second;  // nothing before half of the time is covered
  std::optional<std::uint64_t> leak;     // suspected: what it grew by
};

struct Trends {
  PerLabel<Component, Trend> components;
  Trend unaccounted;  // resident and in no component
};

class ComponentTrends {
 public:
  static constexpr std::chrono::seconds kCovers{300};

  // probes must outlive this.
  explicit ComponentTrends(const Probes& probes);

  // resident: of the process; nothing where it cannot be read.
  void look(SteadyTime now, std::optional<std::uint64_t> resident);
  Trends report() const;

 private:
  struct Followed {
    std::uint64_t bytes = 0;
    memory::Growth growth{kCovers};
    memory::RisingFloor floor{kCovers};
    void add(SteadyTime now, std::uint64_t bytes, std::uint64_t left);
    Trend trend() const;
  };
  const Probes& probes_;
  // Guarded by mutex_
  mutable std::mutex mutex_;
  std::vector<Followed> components_;
  Followed unaccounted_;
  std::uint64_t looks_ = 0;
};

}  // namespace holdfast::metrics
