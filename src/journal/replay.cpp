#include "holdfast/base/log.hpp"
#include "recovery.hpp"
#include "segment_reader.hpp"

namespace holdfast::journal {
namespace {

// Updates and erasures are repeated even when they are acknowledged: what they change may be among what is
// replayed, or may have been in the run before. What the store got past the journal carries an LSN that keeps
// it from them.
void replay_record(const ScannedRecord& record, const AckLedger& ledger, ReplaySummary& summary,
                   const std::function<void(ReplayedRecord)>& apply) {
  const auto [type, lsn] = std::pair(record.header.type, record.header.lsn);
  if (type == RecordType::acknowledge) return;
  const bool append = type == RecordType::append, stored = !ledger.is_pending(lsn);
  if (append && stored) ++summary.acknowledged;
  if (append && stored && (record.header.flags & kKeyFlag) == 0) return;
  auto operation = decode(type, record.payload);
  if (!operation) {
    log::error("journal: the record with LSN {} cannot be read: {}", lsn, operation.error().message);
    ++summary.damaged_regions;
    return;
  }
  if (!append || !stored) ++summary.records;
  apply({lsn, std::move(*operation), stored, record.payload.size()});
}

}  // namespace

Result<void> replay_segments(io::FileSystem& files, const io::Path& dir, const Recovered& recovered,
                             ReplaySummary& summary, const std::function<void(ReplayedRecord)>& apply) {
  for (const auto& header : recovered.segments) {
    auto file = files.open(dir / segment_name(header.id), io::OpenMode::read);
    if (!file) return file.error();
    const auto on_record = [&](const ScannedRecord& record) {
      if (record.header.lsn > recovered.last_lsn) return;  // written meanwhile
      replay_record(record, recovered.ledger, summary, apply);
    };
    const auto counted_by_recovery = [](const DamagedRegion&) {};
    if (const auto done = SegmentReader(**file, header).scan(on_record, counted_by_recovery); !done) {
      return done.error();
    }
  }
  return {};
}

}  // namespace holdfast::journal
