// Whether something that is filled and emptied holds on to more and more.
//
// The rule. The time is cut into eight equal parts. Suspected: the least bytes of each part are more than
// those of the part before, something left in each part, and the last least is at least kLeastGrowth above
// the first. The least of a part is what remained when it was emptied furthest, as a heap is judged by what
// remains after a collection. Without a trend the eight come in any order, so that all rise has a chance of
// 1/8! = 0.0025 %: this is Mann and Kendall's test for a trend at its largest statistic, which the literature
// on software ageing uses (Garg, van Moorsel, Vaidyanathan, Trivedi: A Methodology for Detection and
// Estimation of Software Aging, ISSRE 1998).
//
// What cannot be told apart from a leak: more coming in than goes out, all of the time. One thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>

#include "holdfast/base/clock.hpp"

namespace holdfast::memory {

class RisingFloor {
 public:
  static constexpr std::size_t kParts = 8;
  static constexpr std::uint64_t kLeastGrowth = 1u << 20;

  explicit RisingFloor(std::chrono::seconds covers)
      : part_length_(std::chrono::duration_cast<SteadyTime::duration>(covers) / kParts) {}

  // left: how much ever went out, in any unit. Times never go back.
  void add(SteadyTime now, std::uint64_t bytes, std::uint64_t left);
  // By how much the least grew, where that is suspected.
  std::optional<std::uint64_t> grown() const;

 private:
  struct Part {
    SteadyTime began;
    std::uint64_t least_bytes;
    std::uint64_t left_before, left_after;
  };
  const SteadyTime::duration part_length_;
  std::deque<Part> parts_;  // the last one is not over yet
};

}  // namespace holdfast::memory
