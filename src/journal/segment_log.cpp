#include "segment_log.hpp"

#include <algorithm>

#include "holdfast/base/failpoint.hpp"
#include "holdfast/base/log.hpp"
#include "segment_format.hpp"

namespace holdfast::journal {
namespace {

constexpr std::size_t kKeptBufferBytes = 8u << 20;  // one huge record must not stay in memory for ever
constexpr std::size_t kCopiedAtOnce = 1u << 20;     // of a segment, which may have hundreds of MiB
constexpr std::string_view kReserveName = "reserve";
constexpr std::string_view kUnpublishedName = "unpublished";
constexpr std::chrono::seconds kReserveInterval{1};

}  // namespace

Result<void> SegmentLog::open(Recovered& found, Lsn next_lsn) {
  for (const auto name : {kReserveName, kUnpublishedName}) (void)files_.remove(options_.dir / name);
  ledger_ = found.ledger;
  headers_ = found.segments;
  next_id_ = found.last_id + 1;
  next_lsn_ = next_lsn;
  const bool again =
      !headers_.empty() && found.last_can_go && ledger_.newest_id() == headers_.back().id && next_lsn > 1;
  const auto base = again ? headers_.back().base_lsn : next_lsn_;
  // The last segment may hold one record that is larger than a segment.
  const auto bytes = std::max(options_.segment_bytes, again ? ledger_.newest_bytes() + kRecordsOffset : 0);
  auto segment = new_segment(base, bytes);
  if (!segment && segment.error().kind == ErrorKind::overloaded) {  // replay and readers need no space
    set_full(segment.error().message);
    publish();
    return {};
  }
  if (!segment) return segment.error();
  segment_ = std::move(*segment);
  if (again) {
    if (auto done = write_again(headers_.back()); !done) return done;
  }
  if (auto done = segment_->publish(files_, options_.dir); !done) return done;
  HOLDFAST_PASS("last_segment_written_again");
  if (again) {
    if (auto done = files_.remove(options_.dir / segment_name(headers_.back().id)); !done) return done;
    removal_unsynced_ = true;
    headers_.pop_back();
  } else {
    ledger_.add_segment(segment_->id(), base);
  }
  headers_.push_back(segment_->header());
  changed_ = true;
  ledger_.set_bytes(segment_->capacity());
  found.segments = headers_;
  found.ledger = ledger_;
  delete_stored_segments();
  prepare_reserve();
  publish();
  return {};
}

// A segment under a name that recovery does not look at.
Result<std::unique_ptr<SegmentWriter>> SegmentLog::new_segment(Lsn base_lsn, std::uint64_t bytes) {
  auto file = reserve_ && reserve_->bytes >= bytes
                  ? Result<PreparedFile>(std::move(*reserve_))
                  : prepare_file(files_, options_.dir, std::string(kUnpublishedName), bytes);
  if (!file) return file.error();
  if (file->name == kReserveName) {
    reserve_.reset();
    last_reserve_ = {};
  }
  return SegmentWriter::create(std::move(*file), next_id_++, base_lsn);
}

// Appends that are in the store already stay behind, but for those with a key that is still remembered.
Result<void> SegmentLog::write_again(const SegmentHeader& last) {
  auto file = files_.open(options_.dir / segment_name(last.id), io::OpenMode::read);
  if (!file) return file.error();
  const AckLedger known = ledger_;
  const auto now = system_clock().now();
  ledger_.remove_newest();
  ledger_.add_segment(segment_->id(), segment_->header().base_lsn);
  std::string records;
  Result<void> written;
  const auto write_records = [&] {
    if (written) written = segment_->write(records);
    records.clear();
  };
  const auto take = [&](const ScannedRecord& record) {
    const auto& header = record.header;
    const bool pending = known.is_pending(header.lsn);
    const bool keyed = (header.flags & kKeyFlag) != 0 && known.newest_keep_until() > now;
    if (header.type == RecordType::append && !pending && !keyed) return;
    append_record(records, segment_->salt(), header.lsn, header.type, record.payload,
                  header.flags | kCommitFlag);  // of its group others may be gone
    if (records.size() >= kCopiedAtOnce) write_records();
    if (header.type == RecordType::acknowledge) return;
    if (pending) ledger_.add_record(header.lsn);
    if (keyed) ledger_.keep_until(known.newest_keep_until());
  };
  const auto reported_by_recovery = [](const DamagedRegion&) {};
  const auto scanned = SegmentReader(**file, last).scan(take, reported_by_recovery);
  if (!scanned) return scanned.error();
  write_records();
  if (!written) return written;
  return segment_->sync();
}

void SegmentLog::prepare_reserve() {
  const auto now = SteadyClock::now();
  if (failed_ || now - last_reserve_ < kReserveInterval) return;
  last_reserve_ = now;
  if (reserve_) return set_full({});
  if (ledger_.bytes() + options_.segment_bytes > options_.max_bytes) return;
  auto file = prepare_file(files_, options_.dir, std::string(kReserveName), options_.segment_bytes);
  probe_.reserve_missing.set(file ? 0 : 1);
  if (file) {
    reserve_ = std::move(*file);
    no_reserve_ = false;
    set_full({});
  } else if (!no_reserve_) {
    no_reserve_ = true;
    log::warn("journal: the disk is nearly full, no space for another segment: {}", file.error().message);
  }
}

void SegmentLog::close() {
  if (!segment_) return;
  if (write() && sync()) (void)segment_->seal();
  ledger_.set_bytes(segment_->offset());
  publish();
  segment_.reset();
}

SegmentLog::Room SegmentLog::make_room(std::size_t bytes) {
  if (failed_) return Room::failed;
  if (segment_ && segment_->fits(added_.size() + bytes)) return Room::ready;
  // What is in the old segment is on disk before the new one exists: only the last segment can have a torn
  // tail.
  if (!write() || !sync()) return Room::failed;
  const auto wanted = std::max<std::uint64_t>(options_.segment_bytes, kRecordsOffset + bytes);
  const auto made = ledger_.bytes() + wanted > options_.max_bytes
                        ? Result<void>(overloaded("journal.max_bytes is used up"))
                        : rotate(wanted);
  set_full(made ? std::string() : made.error().message);
  return made ? Room::ready : Room::full;
}

void SegmentLog::set_full(const std::string& why) {
  const bool full = !why.empty();
  if (full && !full_) log::error("journal: appends are refused until there is space: {}", why);
  if (!full && full_) log::info("journal: there is space again");
  full_ = full;
  probe_.full.set(full ? 1 : 0);
}

Result<void> SegmentLog::rotate(std::uint64_t bytes) {
  auto fresh = new_segment(next_lsn_, bytes);
  if (!fresh) return fresh.error();
  if (auto made = (*fresh)->publish(files_, options_.dir); !made) return made;
  if (segment_) {
    (void)segment_->seal();  // only gives space back
  }
  const std::lock_guard lock(ledger_mutex_);
  if (segment_) ledger_.set_bytes(segment_->offset());
  segment_ = std::move(*fresh);
  headers_.push_back(segment_->header());
  changed_ = true;
  ledger_.add_segment(segment_->id(), next_lsn_);
  ledger_.set_bytes(segment_->capacity());
  return {};
}

Lsn SegmentLog::add(RecordType type, std::string_view payload, std::uint8_t flags) {
  append_record(added_, segment_->salt(), next_lsn_, type, payload, flags);
  if (type != RecordType::acknowledge) {
    const std::lock_guard lock(ledger_mutex_);
    ledger_.add_record(next_lsn_);
  }
  return next_lsn_++;
}

void SegmentLog::keep_key(Timestamp accepted_at) {
  const std::lock_guard lock(ledger_mutex_);
  ledger_.keep_until(accepted_at + options_.key_window);
}

bool SegmentLog::is_pending(Lsn lsn) const {
  const std::lock_guard lock(ledger_mutex_);
  return ledger_.is_pending(lsn);
}

bool SegmentLog::write() {
  if (failed_) return false;
  if (added_.empty()) return true;
  if (const auto written = segment_->write(added_); !written) {
    poison(written.error());
    return false;
  }
  unsynced_ = true;
  probe_.bytes.add(added_.size());
  if (added_.capacity() > kKeptBufferBytes) added_ = {};
  added_.clear();
  return true;
}

bool SegmentLog::sync() {
  if (failed_ || !unsynced_) return !failed_;
  const auto began = SteadyClock::now();
  const auto done = segment_->sync();
  last_sync_ = SteadyClock::now();
  probe_.sync_ns.record(static_cast<std::uint64_t>((last_sync_ - began).count()));
  unsynced_ = false;
  HOLDFAST_PASS("journal_synced");
  if (!done) poison(done.error());
  return !failed_;
}

void SegmentLog::sync_when_due() {
  if (unsynced_ && SteadyClock::now() - last_sync_ >= options_.sync_interval) sync();
}

void SegmentLog::poison(const Error& error) {
  failed_ = true;
  added_ = {};
  probe_.failures.add();
  probe_.failed.set(1);
  log::critical("journal: writing failed, nothing more is accepted until a restart: {}", error.message);
}

void SegmentLog::acknowledge(const std::vector<Lsn>& lsns) {
  const std::lock_guard lock(ledger_mutex_);
  for (const auto lsn : lsns) {
    if (ledger_.acknowledge(lsn)) unrecorded_.push_back(lsn);
  }
}

void SegmentLog::add_acknowledgements() {
  if (unrecorded_.empty()) return;
  std::erase_if(unrecorded_, [oldest = ledger_.oldest_base_lsn()](Lsn lsn) { return lsn < oldest; });
  if (unrecorded_.empty() || failed_) return;
  std::sort(unrecorded_.begin(), unrecorded_.end());
  const auto payload = encode_acknowledgement(unrecorded_);
  if (make_room(record_bytes(payload.size())) != Room::ready) return;
  add(RecordType::acknowledge, payload);
  unrecorded_.clear();
}

// A later segment may hold the erasure of what an earlier one appends. So only the oldest may go, and it must
// be gone for good before the next one goes: after a power cut the earlier one must not come back alone.
void SegmentLog::delete_stored_segments() {
  for (;;) {
    if (removal_unsynced_ && !files_.sync_directory(options_.dir)) return;
    removal_unsynced_ = false;
    auto id = ledger_.deletable(system_clock().now());
    const bool early = !id && is_short_of_space();
    if (early) id = ledger_.deletable(Timestamp::max());
    if (!id) return;
    if (early && !forgetting_) {
      log::warn(
          "journal: space is short, idempotency keys are forgotten early: what is repeated after a restart "
          "is stored twice");
    }
    forgetting_ = early;
    if (const auto removed = files_.remove(options_.dir / segment_name(*id)); !removed) {
      log::warn("journal: a segment could not be deleted: {}", removed.error().message);
      return;
    }
    HOLDFAST_PASS("segment_removed");
    removal_unsynced_ = true;
    {
      const std::lock_guard lock(ledger_mutex_);
      ledger_.remove_oldest();
    }
    headers_.erase(headers_.begin());
    changed_ = true;
    probe_.segments_deleted.add();
    if (!early) continue;
    probe_.segments_deleted_early.add();
    last_reserve_ = {};
    return;  // one at a time: it may be enough for prepare_reserve()
  }
}

bool SegmentLog::is_short_of_space() const {
  return full_ || no_reserve_ || ledger_.bytes() + options_.segment_bytes > options_.max_bytes;
}

void SegmentLog::publish() {
  probe_.segments.set(ledger_.segment_count());
  probe_.disk_bytes.set(ledger_.bytes());
  probe_.unacknowledged.set(ledger_.pending());
  probe_.ledger_bytes.set(ledger_.memory_bytes());
  probe_.last_lsn.set(next_lsn_ - 1);
}

}  // namespace holdfast::journal
