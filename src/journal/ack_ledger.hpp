// Which records of which segment still wait for the store. Used on one thread.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "holdfast/base/clock.hpp"
#include "holdfast/model/types.hpp"

namespace holdfast::journal {

class AckLedger {
 public:
  // Segments come in order of id; records of the last segment in order of LSN.
  void add_segment(std::uint64_t id, Lsn base_lsn);
  void add_record(Lsn lsn);
  void set_bytes(std::uint64_t bytes);  // of the last segment

  // False: it did not wait (unknown or repeated).
  bool acknowledge(Lsn lsn);
  bool is_pending(Lsn lsn) const;

  // The last segment holds an idempotency key that must be found until then.
  void keep_until(Timestamp time);

  // The oldest segment, when it is not the last one, nothing in it waits and no key in it is needed.
  std::optional<std::uint64_t> deletable(Timestamp now) const;
  void remove_oldest();
  void remove_newest();
  std::uint64_t oldest_id() const { return segments_.front().id; }
  std::uint64_t newest_id() const { return segments_.empty() ? 0 : segments_.back().id; }
  std::uint64_t newest_bytes() const { return segments_.back().bytes; }
  Timestamp newest_keep_until() const { return segments_.back().keep_until; }
  Lsn oldest_base_lsn() const { return segments_.front().base_lsn; }

  std::uint64_t pending() const { return pending_; }
  std::uint64_t pending_in(std::uint64_t id) const;
  std::size_t segment_count() const { return segments_.size(); }
  std::uint64_t bytes() const { return bytes_; }  // of the segments, on disk
  std::size_t memory_bytes() const;               // of this ledger

 private:
  struct Segment {
    std::uint64_t id = 0;
    Lsn base_lsn = 0;
    std::uint64_t bytes = 0;
    std::uint64_t pending = 0;
    Timestamp keep_until{};
    std::vector<bool> waits;  // by lsn - base_lsn
  };
  const Segment* find(Lsn lsn) const;

  std::deque<Segment> segments_;
  std::uint64_t pending_ = 0;
  std::uint64_t bytes_ = 0;
};

}  // namespace holdfast::journal
