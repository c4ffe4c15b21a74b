// The chain of segments: the one that is written, and older ones until all of their records are in the store.
//
// Operation. make_room(), then add() as often as fits, then write() and sync(). Records get consecutive LSNs
// as they are added. Used on one thread: the journal's, and the owner's before start and after stop;
// is_pending() on any.
//
// Failures. After a failed write or sync the log has failed for good: that file is never touched again. A
// segment that cannot be made is another matter, as nothing is in it: make_room() says so and tries anew when
// it is called again.
#pragma once

#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ack_ledger.hpp"
#include "holdfast/io/file_system.hpp"
#include "holdfast/journal/journal.hpp"
#include "holdfast/metrics/journal_probe.hpp"
#include "recovery.hpp"
#include "segment_writer.hpp"

namespace holdfast::journal {

class SegmentLog {
 public:
  // All must outlive the log.
  SegmentLog(const Options& options, io::FileSystem& files, metrics::JournalProbe& probe)
      : options_(options), files_(files), probe_(probe) {}

  // Goes on after what recovery found, in a fresh segment: its header carries the LSN on when all others are
  // deleted. What is still needed of the last segment is written again, into the fresh one, and that segment
  // removed (found.segments says so): after a failed sync nobody knows what of it is on disk, whatever can be
  // read now. Then the oldest segments that hold nothing unacknowledged are deleted.
  Result<void> open(Recovered& found, Lsn next_lsn);
  // Writes and syncs what is left and gives unused space back. Nothing may be added afterwards.
  void close();

  enum class Room { ready, full, failed };
  // Room for this many bytes of records (record_bytes()) more, in a fresh segment where the current one is
  // full. full: the disk or max_bytes does not let one be made.
  Room make_room(std::size_t bytes);
  Lsn add(RecordType type, std::string_view payload, std::uint8_t flags = kCommitFlag);
  // A key that came at that time is remembered for Options::key_window from then on.
  void keep_key(Timestamp accepted_at);
  // True when all that was added is written (synced). True as well when there was nothing to do.
  bool write();
  bool sync();
  // Syncs when something is written for longer than sync_interval.
  void sync_when_due();

  // Takes note; add_acknowledgements() then records it where there is room (later otherwise: it is kept).
  void acknowledge(const std::vector<Lsn>& lsns);
  void add_acknowledgements();
  bool has_unrecorded() const { return !unrecorded_.empty(); }  // acknowledgements
  bool is_pending(Lsn lsn) const;                               // not acknowledged; any thread
  // Those in which nothing waits for the store and no key is remembered; where space is short a key does not
  // keep its segment.
  void delete_stored_segments();
  // Takes the next segment's space from the disk now, if it is not taken yet, so that a full disk shows while
  // there is still a segment to fill. Tries again at most once a second.
  void prepare_reserve();

  const std::vector<SegmentHeader>& segments() const { return headers_; }  // oldest first
  bool take_changed() { return std::exchange(changed_, false); }           // segments(), since the last call
  Lsn next_lsn() const { return next_lsn_; }
  const AckLedger& ledger() const { return ledger_; }
  void publish();  // to the probe

 private:
  using SteadyClock = std::chrono::steady_clock;
  Result<std::unique_ptr<SegmentWriter>> new_segment(Lsn base_lsn, std::uint64_t bytes);
  Result<void> write_again(const SegmentHeader& last);
  Result<void> rotate(std::uint64_t bytes);
  void set_full(const std::string& why);  // empty: no longer
  bool is_short_of_space() const;
  void poison(const Error& error);

  const Options& options_;
  io::FileSystem& files_;
  metrics::JournalProbe& probe_;

  std::unique_ptr<SegmentWriter> segment_;
  std::optional<PreparedFile> reserve_;
  std::vector<SegmentHeader> headers_;
  bool changed_ = true;              // headers_
  mutable std::mutex ledger_mutex_;  // what changes the ledger after open(), and is_pending()
  AckLedger ledger_;
  std::uint64_t next_id_ = 1;
  Lsn next_lsn_ = 1;
  std::string added_;            // records not yet written
  std::vector<Lsn> unrecorded_;  // acknowledged, and no record says so yet
  bool unsynced_ = false;
  SteadyClock::time_point last_sync_{};
  SteadyClock::time_point last_reserve_{};  // when one was tried
  bool full_ = false;                       // the last make_room() was refused, and nothing has changed since
  bool no_reserve_ = false;                 // the disk had no space for one
  bool forgetting_ = false;                 // keys before their time
  bool removal_unsynced_ = false;
  bool failed_ = false;
};

}  // namespace holdfast::journal
