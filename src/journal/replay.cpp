#include <string>
#include <unordered_set>

#include "holdfast/base/log.hpp"
#include "recovery.hpp"
#include "segment_reader.hpp"

namespace holdfast::journal {
namespace {

// owed: the sessions of which something that is not acknowledged came before.
void replay_record(const ScannedRecord& record, const AckLedger& ledger,
                   std::unordered_set<std::string>& owed, ReplaySummary& summary,
                   const std::function<void(ReplayedRecord)>& apply) {
  const auto [type, lsn] = std::pair(record.header.type, record.header.lsn);
  if (type == RecordType::acknowledge) return;
  const bool pending = ledger.is_pending(lsn);
  const bool stored = type == RecordType::append && !pending;
  if (stored) ++summary.acknowledged;
  if (stored && (record.header.flags & kKeyFlag) == 0) return;
  if (!pending && !stored && owed.empty()) return;
  auto operation = decode(type, record.payload);
  if (!operation) {
    log::error("journal: the record with LSN {} cannot be read: {}", lsn, operation.error().message);
    ++summary.damaged_regions;
    return;
  }
  if (pending) {
    owed.insert(session_of(*operation));
  } else if (!stored && !owed.contains(session_of(*operation))) {
    return;
  }
  if (!stored) ++summary.records;
  apply({lsn, std::move(*operation), stored, record.payload.size()});
}

}  // namespace

Result<void> replay_segments(io::FileSystem& files, const io::Path& dir, const Recovered& recovered,
                             ReplaySummary& summary, const std::function<void(ReplayedRecord)>& apply) {
  std::unordered_set<std::string> owed;
  for (const auto& header : recovered.segments) {
    auto file = files.open(dir / segment_name(header.id), io::OpenMode::read);
    if (!file) return file.error();
    const auto on_record = [&](const ScannedRecord& record) {
      if (record.header.lsn > recovered.last_lsn) return;  // written meanwhile
      replay_record(record, recovered.ledger, owed, summary, apply);
    };
    const auto counted_by_recovery = [](const DamagedRegion&) {};
    if (const auto done = SegmentReader(**file, header).scan(on_record, counted_by_recovery); !done) {
      return done.error();
    }
  }
  return {};
}

}  // namespace holdfast::journal
