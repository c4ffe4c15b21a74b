// The write-ahead log: one per process, one order for all operations.
//
// Operation. append() queues records; the journal thread takes everything that is queued, gives it
// consecutive LSNs, writes it with one write and, with Durability::fsync, one fdatasync, then delivers the
// completions of that group: one call per shard, in journal order. There is no timer: while one group syncs
// the next one gathers. acknowledge() says that a record's effect is in the store; whole segments are deleted
// from the oldest on, once sealed and without unacknowledged records. Acknowledgements are themselves (lazily
// written) records, so that a restart does not deliver again what was stored; losing some is harmless,
// because the store inserts if absent, but to who writes past the journal: see Submission::type.
//
// Order. The completions of a shard come in the order of its appends. After one that was refused all later
// ones of that shard are refused too, until they bear the epoch which the first refusal's completion names:
// so an operation never succeeds when one that was submitted before it, and that it may build on, was
// refused.
//
// Concurrency. append (after start), acknowledge, read: any thread. open, start, replay, stop: the owner's
// thread, in this order; acknowledging what is replayed may begin before replay returns. Deliver is called on
// the journal thread, or inside append() for what is refused at once; it must not block.
//
// Failures. A failed write or fdatasync poisons the journal until restart: that group and all later appends
// complete with ErrorKind::retryable ("outcome unknown" for that group), nothing is retried on that file. A
// full queue, a full disk and max_bytes complete with ErrorKind::overloaded; the disk is asked again with the
// next append.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "holdfast/base/result.hpp"
#include "holdfast/io/file_system.hpp"
#include "holdfast/journal/record.hpp"
#include "holdfast/metrics/journal_probe.hpp"

namespace holdfast::journal {

// What has happened to a record when its completion is delivered.
enum class Durability : std::uint8_t {
  none,   // queued in memory; written and synced in the background
  os,     // written to the operating system; synced every sync_interval
  fsync,  // synced by an fdatasync that began after it was written
};
std::string_view to_string(Durability durability);

struct Options {
  std::filesystem::path dir = "data/journal";
  Durability durability = Durability::fsync;
  std::uint64_t segment_bytes = 64ull << 20;  // 1 MiB … 1 GiB; a record larger than it gets its own segment
  std::chrono::milliseconds sync_interval{200};  // durability os and none
  std::uint64_t max_bytes = 8ull << 30;          // beyond it appends are refused as overloaded
  std::uint64_t max_queued_bytes = 64ull << 20;  // waiting for the journal thread
  // A segment with an append under an idempotency key stays this long, so that replay() finds the key; less
  // where the disk or max_bytes has no room for another segment.
  std::chrono::milliseconds key_window{std::chrono::minutes{10}};
};

struct Completion {
  std::uint64_t ticket = 0;  // as given to append
  Lsn lsn = 0;               // 0 when it failed
  std::optional<Error> error;
  std::uint64_t epoch = 0;  // of a failure: later appends of the shard are taken from this epoch on
};

struct Submission {
  unsigned shard = 0;
  std::uint64_t epoch = 0;
  std::uint64_t ticket = 0;  // anything; comes back with the completion
  // acknowledge, with an empty payload: completes when all that was acknowledged before is recorded, as
  // durably as an append.
  RecordType type = RecordType::append;
  Bytes payload;
  std::optional<Timestamp> keyed_at;  // AppendRecord::accepted_at, where the record has an idempotency key
};

using Deliver = std::function<void(unsigned shard, std::vector<Completion> completions)>;

struct ReplayedRecord {
  Lsn lsn = 0;
  Operation operation;
  bool stored = false;    // acknowledged; such an append is told for its idempotency key only
  std::size_t bytes = 0;  // of it in the journal
};

struct ReadPosition {  // where read() goes on
  std::uint64_t segment = 0;
  std::uint64_t offset = 0;
  Lsn lsn = 0;  // of the last record seen
};

struct ReplaySummary {
  std::uint64_t segments = 0;         // found
  std::uint64_t records = 0;          // delivered to the callback
  std::uint64_t acknowledged = 0;     // skipped: already in the store
  std::uint64_t torn_bytes = 0;       // dropped at the end of the last segment
  std::uint64_t damaged_regions = 0;  // skipped inside segments; what follows them was delivered
  Lsn first_lost = 0, last_lost = 0;  // the LSNs in those regions; 0: none
};

class Journal {
 public:
  // Creates and locks the directory, reads what is there, then asks at_least() (so that whoever needs another
  // part for the answer opens that only when the directory is ours). LSNs given out from now on are > its
  // answer and > any in the journal. Errors: permanent, with the path.
  static Result<std::unique_ptr<Journal>> open(Options options, io::FileSystem& files,
                                               const std::function<Result<Lsn>()>& at_least,
                                               metrics::JournalProbe& probe);
  ~Journal();  // stop()s

  // Calls back for every append record that is not acknowledged (or has an idempotency key) and for every
  // update and erase record still in the journal (these are idempotent and guarded by LSN), in LSN order, one
  // record in memory at a time. Until it has returned no segment is deleted.
  Result<ReplaySummary> replay(const std::function<void(ReplayedRecord)>& apply);

  void start(unsigned shards, Deliver deliver);

  void append(std::vector<Submission> submissions);
  void acknowledge(std::vector<Lsn> lsns);

  // Reads appends again that were completed or replayed and are not acknowledged, in LSN order: those behind
  // `from` (segment 0: from.lsn says where), until visit says false or the record `last` has been seen.
  // Blocking. Answer: where to go on.
  Result<ReadPosition> read(ReadPosition from, Lsn last, const std::function<bool(ReplayedRecord)>& visit);

  // The highest LSN given out when the journal was opened; any thread.
  Lsn last_lsn() const;

  // What the segments take on the disk now; any thread.
  std::uint64_t disk_bytes() const;

  // Commits what is queued, delivers its completions, syncs, closes. Later appends complete as shutting_down.
  void stop();

 private:
  class Impl;
  explicit Journal(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace holdfast::journal
