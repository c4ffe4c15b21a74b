#include "holdfast/journal/inspect.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "ack_ledger.hpp"
#include "recovery.hpp"
#include "segment_reader.hpp"

namespace holdfast::journal {
namespace {

void count(const ScannedRecord& record, InspectedSegment& segment) {
  if (segment.first_lsn == 0) segment.first_lsn = record.header.lsn;
  segment.last_lsn = record.header.lsn;
  switch (record.header.type) {
    case RecordType::append:
      ++segment.appends;
      if (const auto operation = decode(RecordType::append, record.payload)) {
        segment.messages += std::get<AppendRecord>(*operation).round.messages.size();
      }
      break;
    case RecordType::update:
      ++segment.updates;
      break;
    case RecordType::erase:
      ++segment.erasures;
      break;
    case RecordType::acknowledge:
      ++segment.acknowledgements;
      break;
  }
}

InspectedSegment read(io::FileSystem& files, const io::Path& path, AckLedger& ledger) {
  InspectedSegment segment;
  segment.name = path.filename().string();
  const auto file = files.open(path, io::OpenMode::read);
  const auto header = file ? read_segment_header(**file) : Result<std::optional<SegmentHeader>>(file.error());
  if (!header || !*header) {
    segment.problem = header ? "no valid header" : header.error().message;
    return segment;
  }
  if ((*header)->version != kVersion) {
    segment.problem = fmt::format("version {}, this program reads version {}", (*header)->version, kVersion);
    return segment;
  }
  segment.base_lsn = (*header)->base_lsn;
  const auto size = (*file)->size();
  segment.bytes = size ? *size : 0;
  ledger.add_segment((*header)->id, segment.base_lsn);
  const auto scanned = SegmentReader(**file, **header)
                           .scan(
                               [&](const ScannedRecord& record) {
                                 note_record(record, ledger, {});
                                 count(record, segment);
                               },
                               [&](const DamagedRegion& region) {
                                 segment.damage.push_back({region.begin, region.end, region.before + 1,
                                                           region.after ? *region.after - 1 : 0});
                               });
  if (!scanned) segment.problem = scanned.error().message;
  return segment;
}

// Deleted since the directory was read, or without a byte, as a kill leaves one that is being made.
bool holds_nothing(io::FileSystem& files, const io::Path& path) {
  if (const auto file = files.open(path, io::OpenMode::read)) {
    const auto size = (*file)->size();
    return size && *size == 0;
  }
  const auto names = files.list(path.parent_path());
  return names && std::find(names->begin(), names->end(), path.filename().string()) == names->end();
}

}  // namespace

Result<Inspection> inspect(io::FileSystem& files, const io::Path& dir) {
  const auto names = files.list(dir);
  if (!names) return names.error();
  Inspection inspection;
  AckLedger ledger;
  std::vector<std::uint64_t> ids;
  for (const auto& name : *names) {
    if (const auto id = segment_id(name)) {
      auto segment = read(files, dir / name, ledger);
      if (!segment.problem.empty() && holds_nothing(files, dir / name)) continue;
      inspection.segments.push_back(std::move(segment));
      ids.push_back(*id);
    } else if (name.find(".journal.") != std::string::npos) {
      inspection.set_aside.push_back(name);
    }
  }
  for (std::size_t i = 0; i < ids.size(); ++i)
    inspection.segments[i].unacknowledged = ledger.pending_in(ids[i]);
  return inspection;
}

bool damaged(const Inspection& inspection) {
  for (const auto& segment : inspection.segments) {
    if (!segment.problem.empty()) return true;
    const bool is_last = &segment == &inspection.segments.back();
    for (const auto& damage : segment.damage) {
      if (!is_last || damage.last_lost != 0) return true;
    }
  }
  return false;
}

std::string to_text(const Inspection& inspection) {
  std::string out;
  std::uint64_t unacknowledged = 0;
  for (const auto& segment : inspection.segments) {
    if (!segment.problem.empty()) {
      out += fmt::format("{}  cannot be read: {}\n", segment.name, segment.problem);
      if (segment.base_lsn == 0) continue;
    }
    const auto range = segment.first_lsn == 0 ? fmt::format("none (next {} or later)", segment.base_lsn)
                                              : fmt::format("{} to {}", segment.first_lsn, segment.last_lsn);
    out += fmt::format(
        "{}  {} bytes  LSN {}  {} appends ({} messages), {} updates, {} erasures, {} "
        "acknowledgements  {} unacknowledged\n",
        segment.name, segment.bytes, range, segment.appends, segment.messages, segment.updates,
        segment.erasures, segment.acknowledgements, segment.unacknowledged);
    for (const auto& damage : segment.damage) {
      const auto until =
          damage.last_lost == 0 ? std::string(" and later") : fmt::format(" to {}", damage.last_lost);
      out += fmt::format("  damaged: bytes {} to {}, LSN {}{}\n", damage.begin, damage.end, damage.first_lost,
                         until);
    }
    unacknowledged += segment.unacknowledged;
  }
  for (const auto& name : inspection.set_aside) out += fmt::format("{}  set aside by a recovery\n", name);
  out += fmt::format("{} segments, {} unacknowledged records\n", inspection.segments.size(), unacknowledged);
  return out;
}

}  // namespace holdfast::journal
