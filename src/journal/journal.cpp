#include "holdfast/journal/journal.hpp"

#include <pthread.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>

#include "holdfast/base/log.hpp"
#include "recovery.hpp"
#include "segment_format.hpp"
#include "segment_writer.hpp"

namespace holdfast::journal {
namespace {

using SteadyClock = std::chrono::steady_clock;

// One write and one sync carry at most about this much, so that no one waits for an endless group.
constexpr std::size_t kGroupBytes = 4u << 20;

struct Entry {
  unsigned shard = 0;
  std::uint64_t ticket = 0;
  RecordType type = RecordType::append;
  Bytes payload;
};

}  // namespace

std::string_view to_string(Durability durability) {
  switch (durability) {
    case Durability::none:
      return "none";
    case Durability::os:
      return "os";
    case Durability::fsync:
      break;
  }
  return "fsync";
}

class Journal::Impl {
 public:
  Impl(Options options, io::FileSystem& files, metrics::JournalProbe& probe)
      : options_(std::move(options)), files_(files), probe_(probe) {}

  Result<void> open(const std::function<Result<Lsn>()>& at_least);
  Result<ReplaySummary> replay(const std::function<void(ReplayedRecord)>& apply);
  void start(unsigned shards, Deliver deliver);
  void append(Entry entry);
  void acknowledge(std::vector<Lsn> lsns);
  void stop();

 private:
  using Group = std::vector<Entry>;
  void run();
  void write_groups(std::vector<Entry> entries);
  void write_group(Group group);
  void write_acknowledgements(const std::vector<Lsn>& lsns);
  bool make_room(std::size_t bytes, std::size_t records);
  bool over_budget(std::size_t bytes) const;
  bool put(std::string_view records, std::size_t count);
  bool sync();
  void sync_when_due(bool now);
  void poison(const Error& error);
  void complete(const Group& group, Lsn first, const std::optional<Error>& error);
  void refuse(Entry entry, Error error);
  void delete_stored_segments();
  void publish();

  // Constant after construction (and open and start)
  const Options options_;
  io::FileSystem& files_;
  metrics::JournalProbe& probe_;
  std::shared_ptr<void> lock_;
  Deliver deliver_;
  unsigned shards_ = 0;

  // Guarded by mutex_
  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<Entry> queue_;
  std::size_t queued_bytes_ = 0;
  std::vector<Lsn> acknowledged_;
  bool stopping_ = false;
  bool sleeping_ = false;

  // Of the journal thread (of the owner before start and after stop)
  std::unique_ptr<SegmentWriter> segment_;
  AckLedger ledger_;
  std::uint64_t next_id_ = 1;
  Lsn next_lsn_ = 1;
  std::string buffer_;
  bool unsynced_ = false;
  SteadyClock::time_point last_sync_{};
  bool poisoned_ = false;

  // Of the owner: what open() found, for replay
  Recovered recovered_;
  std::atomic<bool> replayed_{false};  // until then no segment is deleted: replay still reads them

  std::thread thread_;
};

Result<void> Journal::Impl::open(const std::function<Result<Lsn>()>& at_least) {
  if (auto done = files_.create_directories(options_.dir); !done) return done;
  auto lock = files_.lock_directory(options_.dir);
  if (!lock) return lock.error();
  lock_ = std::move(*lock);
  auto recovered = recover(files_, options_.dir);
  if (!recovered) return recovered.error();
  recovered_ = std::move(*recovered);
  const auto least = at_least();
  if (!least) return least.error();
  next_lsn_ = std::max(*least, recovered_.last_lsn) + 1;
  next_id_ = recovered_.last_id + 1;
  // Old segments are never appended to. The fresh one also carries the LSN on when all others are deleted.
  auto segment = SegmentWriter::create(files_, options_.dir, next_id_, next_lsn_, options_.segment_bytes);
  if (!segment) return segment.error();
  ++next_id_;
  segment_ = std::move(*segment);
  ledger_ = recovered_.ledger;
  ledger_.add_segment(segment_->id(), next_lsn_);
  ledger_.set_bytes(segment_->capacity());
  publish();
  return {};
}

Result<ReplaySummary> Journal::Impl::replay(const std::function<void(ReplayedRecord)>& apply) {
  auto summary = recovered_.summary;
  if (auto done = replay_segments(files_, options_.dir, recovered_, summary, apply); !done)
    return done.error();
  recovered_ = {};
  replayed_ = true;
  return summary;
}

void Journal::Impl::start(unsigned shards, Deliver deliver) {
  shards_ = shards;
  deliver_ = std::move(deliver);
  thread_ = std::thread([this] { run(); });
  pthread_setname_np(thread_.native_handle(), "journal");
}

void Journal::Impl::append(Entry entry) {
  std::unique_lock lock(mutex_);
  if (stopping_ || queued_bytes_ + entry.payload.size() > options_.max_queued_bytes) {
    auto error =
        stopping_ ? shutting_down("the journal is closed") : overloaded("the journal's queue is full");
    lock.unlock();
    return refuse(std::move(entry), std::move(error));
  }
  queued_bytes_ += entry.payload.size() + kRecordHeaderBytes;
  queue_.push_back(std::move(entry));
  if (std::exchange(sleeping_, false)) wake_.notify_one();
}

void Journal::Impl::acknowledge(std::vector<Lsn> lsns) {
  const std::lock_guard lock(mutex_);
  acknowledged_.insert(acknowledged_.end(), lsns.begin(), lsns.end());
}

void Journal::Impl::refuse(Entry entry, Error error) {
  probe_.refused.add();
  deliver_(entry.shard, {Completion{entry.ticket, 0, std::move(error)}});
}

void Journal::Impl::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    sleeping_ = false;
  }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
  if (!segment_) return;
  if (!poisoned_) {
    sync();
    (void)segment_->seal();  // only gives space back
  }
  delete_stored_segments();
  publish();
  segment_.reset();
}

void Journal::Impl::run() {
  for (;;) {
    std::vector<Entry> entries;
    std::vector<Lsn> acknowledged;
    bool stop = false;
    {
      std::unique_lock lock(mutex_);
      if (queue_.empty() && !stopping_) {
        sleeping_ = true;
        wake_.wait_for(lock, options_.sync_interval, [this] { return !sleeping_; });
        sleeping_ = false;
      }
      entries.swap(queue_);
      acknowledged.swap(acknowledged_);
      queued_bytes_ = 0;
      stop = stopping_ && entries.empty();
    }
    write_groups(std::move(entries));
    if (!acknowledged.empty()) write_acknowledgements(acknowledged);
    sync_when_due(stop);
    if (stop && acknowledged.empty()) return;
  }
}

void Journal::Impl::write_groups(std::vector<Entry> entries) {
  Group group;
  std::size_t bytes = 0;
  for (auto& entry : entries) {
    bytes += record_bytes(entry.payload.size());
    group.push_back(std::move(entry));
    if (bytes >= kGroupBytes) {
      write_group(std::exchange(group, {}));
      bytes = 0;
    }
  }
  if (!group.empty()) write_group(std::move(group));
}

void Journal::Impl::write_group(Group group) {
  if (poisoned_) return complete(group, 0, retryable("the journal has failed; the daemon must be restarted"));
  std::size_t bytes = 0;
  for (const auto& entry : group) bytes += record_bytes(entry.payload.size());
  if (over_budget(bytes) || !make_room(bytes, group.size())) {
    probe_.refused.add(group.size());
    return complete(group, 0, overloaded("the journal's disk space is used up"));
  }
  if (poisoned_) return complete(group, 0, retryable("the journal has failed; the outcome is unknown"));
  buffer_.clear();
  const Lsn first = next_lsn_;
  for (const auto& entry : group)
    append_record(buffer_, segment_->salt(), next_lsn_++, entry.type, entry.payload);
  for (Lsn lsn = first; lsn < next_lsn_; ++lsn) ledger_.add_record(lsn);
  const bool early = options_.durability == Durability::none;
  if (early) complete(group, first, std::nullopt);
  bool done = put(buffer_, group.size());
  if (done && options_.durability == Durability::fsync) done = sync();
  if (!early) {
    complete(
        group, first,
        done ? std::nullopt : std::optional(retryable("the journal has failed; the outcome is unknown")));
  }
  publish();
}

// Lazily: they ride with the next sync, and losing some costs a repeated insert, which the store ignores.
void Journal::Impl::write_acknowledgements(const std::vector<Lsn>& lsns) {
  for (const auto lsn : lsns) ledger_.acknowledge(lsn);
  const auto payload = encode_acknowledgement(lsns);
  if (!poisoned_ && make_room(record_bytes(payload.size()), 1) && !poisoned_) {
    buffer_.clear();
    append_record(buffer_, segment_->salt(), next_lsn_++, RecordType::acknowledge, payload);
    put(buffer_, 0);
  }
  delete_stored_segments();
  publish();
}

bool Journal::Impl::over_budget(std::size_t bytes) const {
  return !segment_->fits(bytes) && ledger_.bytes() + options_.segment_bytes > options_.max_bytes;
}

// False: no space for a new segment; nothing is changed.
bool Journal::Impl::make_room(std::size_t bytes, std::size_t) {
  if (segment_->fits(bytes)) return true;
  const auto wanted = std::max<std::uint64_t>(options_.segment_bytes, kSegmentHeaderBytes + bytes);
  auto fresh = SegmentWriter::create(files_, options_.dir, next_id_, next_lsn_, wanted);
  ++next_id_;
  if (!fresh) {
    log::error("journal: no new segment: {}", fresh.error().message);
    return false;
  }
  sync();
  if (!poisoned_) (void)segment_->seal();
  ledger_.set_bytes(segment_->offset());
  segment_ = std::move(*fresh);
  ledger_.add_segment(segment_->id(), next_lsn_);
  ledger_.set_bytes(segment_->capacity());
  return true;
}

bool Journal::Impl::put(std::string_view records, std::size_t count) {
  const auto written = segment_->write(records);
  if (!written) {
    poison(written.error());
    return false;
  }
  unsynced_ = true;
  probe_.bytes.add(records.size());
  if (count > 0) {
    probe_.records.add(count);
    probe_.group_records.record(count);
  }
  return true;
}

bool Journal::Impl::sync() {
  if (!unsynced_ || poisoned_) return !poisoned_;
  const auto began = SteadyClock::now();
  const auto done = segment_->sync();
  last_sync_ = SteadyClock::now();
  probe_.sync_ns.record(static_cast<std::uint64_t>((last_sync_ - began).count()));
  unsynced_ = false;
  if (!done) poison(done.error());
  return !poisoned_;
}

void Journal::Impl::sync_when_due(bool now) {
  if (options_.durability == Durability::fsync && !now) return;  // acknowledgements ride with the next group
  if (unsynced_ && (now || SteadyClock::now() - last_sync_ >= options_.sync_interval)) sync();
}

// After a failed write or sync nothing is known of that file: it is never written or synced again.
void Journal::Impl::poison(const Error& error) {
  poisoned_ = true;
  probe_.failures.add();
  probe_.failed.set(1);
  log::critical("journal: writing failed, nothing more is accepted until a restart: {}", error.message);
}

void Journal::Impl::complete(const Group& group, Lsn first, const std::optional<Error>& error) {
  std::vector<std::vector<Completion>> by_shard(shards_);
  for (std::size_t i = 0; i < group.size(); ++i) {
    by_shard[group[i].shard].push_back({group[i].ticket, error ? 0 : first + i, error});
  }
  for (unsigned shard = 0; shard < shards_; ++shard) {
    if (!by_shard[shard].empty()) deliver_(shard, std::move(by_shard[shard]));
  }
}

// A later segment may hold the erasure of what an earlier one appends, so only the oldest may go.
void Journal::Impl::delete_stored_segments() {
  if (!replayed_) return;
  bool any = false;
  while (const auto id = ledger_.deletable()) {
    const auto removed = files_.remove(options_.dir / segment_name(*id));
    if (!removed) {
      log::warn("journal: a segment could not be deleted: {}", removed.error().message);
      break;
    }
    ledger_.remove_oldest();
    probe_.segments_deleted.add();
    any = true;
  }
  if (any) (void)files_.sync_directory(options_.dir);  // a segment that comes back is only replayed again
}

void Journal::Impl::publish() {
  probe_.segments.set(ledger_.segment_count());
  probe_.disk_bytes.set(ledger_.bytes());
  probe_.unacknowledged.set(ledger_.pending());
  probe_.last_lsn.set(next_lsn_ - 1);
}

Journal::Journal(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Journal::~Journal() {
  stop();
}

Result<std::unique_ptr<Journal>> Journal::open(Options options, io::FileSystem& files,
                                               const std::function<Result<Lsn>()>& at_least,
                                               metrics::JournalProbe& probe) {
  auto impl = std::make_unique<Impl>(std::move(options), files, probe);
  if (auto done = impl->open(at_least); !done) return permanent(done.error().message);
  return std::unique_ptr<Journal>(new Journal(std::move(impl)));
}

Result<ReplaySummary> Journal::replay(const std::function<void(ReplayedRecord)>& apply) {
  return impl_->replay(apply);
}
void Journal::start(unsigned shards, Deliver deliver) {
  impl_->start(shards, std::move(deliver));
}
void Journal::append(unsigned shard, std::uint64_t ticket, RecordType type, Bytes payload) {
  impl_->append({shard, ticket, type, std::move(payload)});
}
void Journal::acknowledge(std::vector<Lsn> lsns) {
  impl_->acknowledge(std::move(lsns));
}
void Journal::stop() {
  impl_->stop();
}

}  // namespace holdfast::journal
