// Which records of which segment still wait for the store. Used on one thread.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "holdfast/model/types.hpp"

namespace holdfast::journal {

class AckLedger {
 public:
  // Segments come in order of id; records of the last segment in order of LSN.
  void add_segment(std::uint64_t id, Lsn base_lsn);
  void add_record(Lsn lsn);
  void set_bytes(std::uint64_t bytes) { segments_.back().bytes = bytes; }

  // Unknown and repeated LSNs do nothing.
  void acknowledge(Lsn lsn);
  bool is_pending(Lsn lsn) const;

  // The oldest segment, when it is not the last one and nothing in it waits.
  std::optional<std::uint64_t> deletable() const;
  void remove_oldest();

  std::uint64_t pending() const { return pending_; }
  std::size_t segment_count() const { return segments_.size(); }
  std::uint64_t bytes() const;

 private:
  struct Segment {
    std::uint64_t id = 0;
    Lsn base_lsn = 0;
    std::uint64_t bytes = 0;
    std::uint64_t pending = 0;
    std::vector<bool> waits;  // by lsn - base_lsn
  };
  Segment* find(Lsn lsn);

  std::deque<Segment> segments_;
  std::uint64_t pending_ = 0;
};

}  // namespace holdfast::journal
