#include "holdfast/journal/journal.hpp"

#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <span>
#include <thread>
#include <utility>

#include "holdfast/base/scheduling.hpp"
#include "recovery.hpp"
#include "segment_log.hpp"

namespace holdfast::journal {
namespace {

// One write and one sync carry at most about this much, so that no one waits for an endless group.
constexpr std::size_t kGroupBytes = 4u << 20;

struct Entry {
  Submission what;
  bool refused = false;  // there was no room in the queue; it only waits for its turn to be told
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
      : options_(std::move(options)), files_(files), probe_(probe), log_(options_, files, probe) {}

  Result<void> open(const std::function<Result<Lsn>()>& at_least);
  Result<ReplaySummary> replay(const std::function<void(ReplayedRecord)>& apply);
  void start(unsigned shards, Deliver deliver);
  void append(std::vector<Submission> submissions);
  Result<ReadPosition> read(ReadPosition from, Lsn last, const std::function<bool(ReplayedRecord)>& visit);
  void acknowledge(std::vector<Lsn> lsns);
  std::uint64_t disk_bytes() const { return probe_.disk_bytes.value(); }
  Lsn last_lsn() const { return opened_with_; }
  void stop();

 private:
  struct Taken {  // from the queue, for one round of the journal thread
    std::vector<Entry> entries;
    std::vector<Lsn> acknowledged;
  };
  void run();
  void enqueue(Submission submission);
  bool take(Taken& taken);
  void commit(const Taken& taken);
  void write_group(std::span<const Entry> group, std::size_t bytes);
  void write_and_complete(std::span<const Entry> group);
  void complete(std::span<const Entry> group, Lsn first);
  void complete_failed(std::span<const Entry> group, const Error& error);
  void refuse(const Entry& entry, const Error& error);
  void deliver();
  void publish();
  void publish_segments();

  // Constant after construction (and open and start)
  const Options options_;
  io::FileSystem& files_;
  metrics::JournalProbe& probe_;
  std::shared_ptr<void> lock_;
  Lsn opened_with_ = 0;
  Deliver deliver_;

  // Guarded by mutex_
  std::mutex mutex_;
  std::condition_variable wake_;
  Taken queue_;
  std::size_t queued_bytes_ = 0;
  std::vector<std::uint64_t> epochs_;    // by shard
  std::vector<SegmentHeader> segments_;  // for read()
  bool stopping_ = false;
  bool sleeping_ = false;

  // Of the journal thread (of the owner before start and after stop)
  SegmentLog log_;
  std::vector<std::vector<Completion>> completions_;  // by shard; empty between groups
  std::vector<std::uint64_t> refused_below_;          // by shard: epochs that are refused

  // Of the owner: what open() found, for replay()
  Recovered recovered_;
  std::atomic<bool> replayed_{false};  // until then no segment is deleted: replay still reads them

  std::thread thread_;
};

Result<void> Journal::Impl::open(const std::function<Result<Lsn>()>& at_least) {
  if (auto done = files_.create_directories(options_.dir); !done) return done;
  auto lock = files_.lock_directory(options_.dir);
  if (!lock) return lock.error();
  lock_ = std::move(*lock);
  auto recovered = recover(files_, options_.dir, options_.key_window);
  if (!recovered) return recovered.error();
  recovered_ = std::move(*recovered);
  const auto least = at_least();
  if (!least) return least.error();
  opened_with_ = std::max(*least, recovered_.last_lsn);
  const auto next_lsn = opened_with_ + 1;
  const auto& summary = recovered_.summary;
  probe_.damaged_regions.set(summary.damaged_regions);
  probe_.first_lost_lsn.set(summary.first_lost);
  probe_.last_lost_lsn.set(summary.last_lost);
  if (auto done = log_.open(recovered_, next_lsn); !done) return done;
  recovered_.segments = log_.segments();
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
  completions_.resize(shards);
  refused_below_.resize(shards);
  epochs_.resize(shards);
  deliver_ = std::move(deliver);
  thread_ = std::thread([this] { run(); });
  pthread_setname_np(thread_.native_handle(), "journal");
}

void Journal::Impl::append(std::vector<Submission> submissions) {
  std::unique_lock lock(mutex_);
  if (stopping_) {
    lock.unlock();
    for (const auto& submission : submissions) {
      deliver_(submission.shard,
               {Completion{submission.ticket, 0, shutting_down("the journal is closed"), 0}});
    }
    return;
  }
  for (auto& submission : submissions) enqueue(std::move(submission));
  const bool wake = std::exchange(sleeping_, false);
  lock.unlock();
  if (wake) wake_.notify_one();
}

// With the lock.
void Journal::Impl::enqueue(Submission submission) {
  const auto bytes = record_bytes(submission.payload.size());
  auto& epoch = epochs_[submission.shard];
  const bool full = queued_bytes_ + bytes > options_.max_queued_bytes;
  const bool refused = full || submission.epoch < epoch;
  if (full) epoch = std::max(epoch, submission.epoch + 1);
  if (refused) {
    submission.payload = {};
  } else {
    queued_bytes_ += bytes;
  }
  queue_.entries.push_back({std::move(submission), refused});
}

// The last segment may be written to meanwhile: whoever asks for a record has seen it completed.
Result<ReadPosition> Journal::Impl::read(ReadPosition from, Lsn last,
                                         const std::function<bool(ReplayedRecord)>& visit) {
  std::vector<SegmentHeader> segments;
  {
    const std::lock_guard lock(mutex_);
    segments = segments_;
  }
  bool go_on = true;
  for (std::size_t i = 0; i < segments.size() && go_on; ++i) {
    const auto& header = segments[i];
    if (header.id < from.segment) continue;
    if (i + 1 < segments.size() && segments[i + 1].base_lsn <= from.lsn) continue;
    auto file = files_.open(options_.dir / segment_name(header.id), io::OpenMode::read);
    if (!file) return file.error();
    const Place begin =
        header.id == from.segment ? Place{from.offset, from.lsn} : Place{kRecordsOffset, header.base_lsn - 1};
    const auto passed = from.lsn;
    const auto stopped = SegmentReader(**file, header).scan_from(begin, [&](const ScannedRecord& record) {
      const auto lsn = record.header.lsn;
      if (lsn > passed && record.header.type == RecordType::append && log_.is_pending(lsn)) {
        if (auto operation = decode(RecordType::append, record.payload)) {
          go_on = visit({lsn, std::move(*operation), false, record.payload.size()});
        }
      }
      go_on = go_on && lsn < last;
      return go_on;
    });
    if (!stopped) return stopped.error();
    from = {header.id, stopped->offset, std::max(from.lsn, stopped->last_lsn)};
  }
  return from;
}

// Wakes no one: the journal thread looks at least once every sync_interval.
void Journal::Impl::acknowledge(std::vector<Lsn> lsns) {
  const std::lock_guard lock(mutex_);
  queue_.acknowledged.insert(queue_.acknowledged.end(), lsns.begin(), lsns.end());
}

void Journal::Impl::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    sleeping_ = false;
  }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
  log_.close();
}

void Journal::Impl::run() {
  ask_for_short_slices();
  Taken taken;
  while (take(taken)) {
    commit(taken);
    if (options_.durability != Durability::fsync) log_.sync_when_due();
  }
  commit(taken);
}

// Waits for something to do, at most sync_interval. False: what was taken is the last.
bool Journal::Impl::take(Taken& taken) {
  taken.entries.clear();
  taken.acknowledged.clear();
  std::unique_lock lock(mutex_);
  if (queue_.entries.empty() && !stopping_) {
    sleeping_ = true;
    wake_.wait_for(lock, options_.sync_interval, [this] { return !sleeping_; });
    sleeping_ = false;
  }
  std::swap(taken, queue_);
  queued_bytes_ = 0;
  return !stopping_;
}

void Journal::Impl::commit(const Taken& taken) {
  log_.acknowledge(taken.acknowledged);
  if (replayed_) log_.delete_stored_segments();
  log_.add_acknowledgements();
  const std::span<const Entry> entries(taken.entries);
  std::size_t begin = 0;
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    bytes += record_bytes(entries[i].what.payload.size());
    if (bytes < kGroupBytes && i + 1 < entries.size()) continue;
    write_group(entries.subspan(begin, i + 1 - begin), bytes);
    begin = i + 1;
    bytes = 0;
  }
  // Acknowledgements alone: they need no sync of their own (acknowledgements_recorded asks for one), losing
  // some costs a repeated insert, which is ignored.
  log_.write();
  log_.prepare_reserve();
  publish();
}

void Journal::Impl::publish() {
  log_.publish();
  publish_segments();
}

void Journal::Impl::publish_segments() {
  if (!log_.take_changed()) return;
  const std::lock_guard lock(mutex_);
  segments_ = log_.segments();
}

void Journal::Impl::write_group(std::span<const Entry> group, std::size_t bytes) {
  switch (log_.make_room(bytes)) {
    case SegmentLog::Room::full:
      return complete_failed(group, overloaded("the journal's disk space is used up"));
    case SegmentLog::Room::failed:
      return complete_failed(group, retryable("the journal has failed; the daemon must be restarted"));
    case SegmentLog::Room::ready:
      publish_segments();  // before a record in a new one is completed, and may be asked for
      return write_and_complete(group);
  }
}

void Journal::Impl::write_and_complete(std::span<const Entry> group) {
  std::vector<Lsn> lsns;
  lsns.reserve(group.size());
  std::uint64_t written = 0;
  for (const auto& [what, refused] : group) {
    const bool noted = what.type != RecordType::acknowledge || !log_.has_unrecorded();
    const bool fits = !refused && noted && what.epoch >= refused_below_[what.shard];
    if (!fits) refused_below_[what.shard] = std::max(refused_below_[what.shard], what.epoch + 1);
    lsns.push_back(
        fits ? log_.add(what.type, what.payload, what.keyed_at ? kCommitFlag | kKeyFlag : kCommitFlag) : 0);
    written += fits;
    if (fits && what.keyed_at) log_.keep_key(*what.keyed_at);
  }
  const bool early = options_.durability == Durability::none;
  const auto tell = [&] {
    for (std::size_t i = 0; i < group.size(); ++i) {
      const auto& what = group[i].what;
      if (lsns[i] == 0) {
        refuse(group[i], overloaded("the journal's queue is full"));
      } else {
        completions_[what.shard].push_back({what.ticket, lsns[i], std::nullopt, 0});
      }
    }
    deliver();
  };
  if (early) tell();
  const bool done = log_.write() && (options_.durability != Durability::fsync || log_.sync());
  if (done && written > 0) {
    probe_.records.add(written);
    probe_.group_records.record(written);
  }
  if (early) return;
  if (done) return tell();
  complete_failed(group, retryable("the journal has failed; the outcome is unknown"));
}

void Journal::Impl::complete_failed(std::span<const Entry> group, const Error& error) {
  for (const auto& entry : group) refuse(entry, error);
  deliver();
}

// Epochs only grow, and each refusal makes those before it invalid for the shard.
void Journal::Impl::refuse(const Entry& entry, const Error& error) {
  probe_.refused.add();
  const auto& what = entry.what;
  auto& least = refused_below_[what.shard];
  least = std::max(least, what.epoch + 1);
  {
    const std::lock_guard lock(mutex_);
    least = epochs_[what.shard] = std::max(least, epochs_[what.shard]);
  }
  completions_[what.shard].push_back({what.ticket, 0, error, least});
}

void Journal::Impl::deliver() {
  for (unsigned shard = 0; shard < completions_.size(); ++shard) {
    if (!completions_[shard].empty()) deliver_(shard, std::exchange(completions_[shard], {}));
  }
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
void Journal::append(std::vector<Submission> submissions) {
  impl_->append(std::move(submissions));
}
Result<ReadPosition> Journal::read(ReadPosition from, Lsn last,
                                   const std::function<bool(ReplayedRecord)>& visit) {
  return impl_->read(from, last, visit);
}
void Journal::acknowledge(std::vector<Lsn> lsns) {
  impl_->acknowledge(std::move(lsns));
}
Lsn Journal::last_lsn() const {
  return impl_->last_lsn();
}
std::uint64_t Journal::disk_bytes() const {
  return impl_->disk_bytes();
}

void Journal::stop() {
  impl_->stop();
}

}  // namespace holdfast::journal
