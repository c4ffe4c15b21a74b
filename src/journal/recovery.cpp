#include "recovery.hpp"

#include <algorithm>
#include <array>

#include "holdfast/base/log.hpp"
#include "segment_reader.hpp"

namespace holdfast::journal {
namespace {

constexpr std::uint64_t kCopyBytes = 1u << 20;

// Copies [begin, end) of a segment into a file of its own beside it, for people to look at.
Result<void> save_region(io::FileSystem& files, io::File& from, const io::Path& to, std::uint64_t begin,
                         std::uint64_t end) {
  auto file = files.open(to, io::OpenMode::create_new);
  if (!file) return file.error();
  for (auto offset = begin; offset < end; offset += kCopyBytes) {
    const auto part = from.read_at(offset, static_cast<std::size_t>(std::min(kCopyBytes, end - offset)));
    if (!part) return part.error();
    const std::array<std::string_view, 1> pieces{*part};
    if (auto done = (*file)->write_at(offset - begin, pieces); !done) return done;
  }
  return (*file)->sync_data();
}

class Recovery {
 public:
  Recovery(io::FileSystem& files, const io::Path& dir) : files_(files), dir_(dir) {}

  Result<Recovered> run() {
    const auto names = files_.list(dir_);
    if (!names) return names.error();
    std::vector<std::uint64_t> ids;
    for (const auto& name : *names) {
      if (const auto id = segment_id(name)) ids.push_back(*id);
    }
    std::sort(ids.begin(), ids.end());
    for (const auto id : ids) {
      out_.last_id = id;
      if (auto done = read_segment(id, id == ids.back()); !done) return done.error();
    }
    out_.summary.segments = out_.segments.size();
    return std::move(out_);
  }

 private:
  Result<void> read_segment(std::uint64_t id, bool last) {
    const auto path = dir_ / segment_name(id);
    auto file = files_.open(path, io::OpenMode::read_write);
    if (!file) return file.error();
    (*file)->drop_cache();
    const auto head = (*file)->read_at(0, kSegmentHeaderBytes);
    if (!head) return head.error();
    const auto header = decode_segment_header(*head);
    if (!header || header->id != id) return set_aside(path);
    out_.segments.push_back(*header);
    out_.ledger.add_segment(id, header->base_lsn);
    if (header->base_lsn > 0) out_.last_lsn = std::max(out_.last_lsn, header->base_lsn - 1);
    std::vector<DamagedRegion> damage;
    SegmentReader reader(**file, *header);
    const auto scanned = reader.scan([&](const ScannedRecord& record) { note(record); },
                                     [&](const DamagedRegion& region) { damage.push_back(region); });
    if (!scanned) return scanned.error();
    out_.last_lsn = std::max(out_.last_lsn, scanned->last_lsn);
    out_.ledger.set_bytes(scanned->end);
    for (const auto& region : damage) {
      if (auto done = report(**file, path, region, last); !done) return done;
    }
    return {};
  }

  void note(const ScannedRecord& record) {
    if (record.header.type != RecordType::acknowledge) {
      out_.ledger.add_record(record.header.lsn);
      return;
    }
    const auto lsns = decode_acknowledgement(record.payload);
    if (!lsns) return;
    for (const auto lsn : *lsns) out_.ledger.acknowledge(lsn);
  }

  // A file that is no segment (its making was cut short, or its header is damaged): kept, under another name.
  Result<void> set_aside(const io::Path& path) {
    log::error("journal: {} has no valid header; set aside as {}.broken", path.string(),
               path.filename().string());
    ++out_.summary.damaged_regions;
    if (auto done = files_.rename(path, path.string() + ".broken"); !done) return done;
    return files_.sync_directory(dir_);
  }

  Result<void> report(io::File& file, const io::Path& path, const DamagedRegion& region, bool last) {
    const bool torn = region.at_end && last;
    const auto saved = path.string() + (torn ? ".broken" : ".damaged-" + std::to_string(region.begin));
    const auto copied = save_region(files_, file, saved, region.begin, region.end);
    if (!copied) log::warn("journal: damaged bytes could not be saved: {}", copied.error().message);
    if (torn) {
      out_.summary.torn_bytes += region.end - region.begin;
      log::warn("journal: {}: the last write was cut short at byte {} (never acknowledged); copied to {}",
                path.string(), region.begin, saved);
      if (auto done = file.truncate(region.begin); !done) return done;
      return file.sync_data();
    }
    ++out_.summary.damaged_regions;
    log::error("journal: {}: bytes {} to {} are damaged (LSNs between {} and {} may be lost); saved as {}",
               path.string(), region.begin, region.end, region.before, region.after, saved);
    return {};
  }

  io::FileSystem& files_;
  const io::Path& dir_;
  Recovered out_;
};

}  // namespace

Result<Recovered> recover(io::FileSystem& files, const io::Path& dir) {
  return Recovery(files, dir).run();
}

Result<void> replay_segments(io::FileSystem& files, const io::Path& dir, const Recovered& recovered,
                             ReplaySummary& summary, const std::function<void(ReplayedRecord)>& apply) {
  for (const auto& header : recovered.segments) {
    auto file = files.open(dir / segment_name(header.id), io::OpenMode::read);
    if (!file) return file.error();
    SegmentReader reader(**file, header);
    const auto scanned = reader.scan(
        [&](const ScannedRecord& record) {
          const auto type = record.header.type;
          if (type == RecordType::acknowledge) return;
          if (type == RecordType::append && !recovered.ledger.is_pending(record.header.lsn)) {
            ++summary.acknowledged;
            return;
          }
          auto operation = decode(type, record.payload);
          if (!operation) {
            log::error("journal: the record with LSN {} cannot be read: {}", record.header.lsn,
                       operation.error().message);
            ++summary.damaged_regions;
            return;
          }
          ++summary.records;
          apply({record.header.lsn, std::move(*operation)});
        },
        [](const DamagedRegion&) {});
    if (!scanned) return scanned.error();
  }
  return {};
}

}  // namespace holdfast::journal
