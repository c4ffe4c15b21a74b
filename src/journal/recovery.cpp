#include "recovery.hpp"

#include <algorithm>
#include <array>
#include <set>

#include "holdfast/base/log.hpp"
#include "segment_reader.hpp"

namespace holdfast::journal {
namespace {

constexpr std::uint64_t kCopyBytes = 1u << 20;

class Recovery {
 public:
  Recovery(io::FileSystem& files, const io::Path& dir, std::chrono::milliseconds key_window)
      : files_(files), dir_(dir), key_window_(key_window) {}

  Result<Recovered> run() {
    const auto names = files_.list(dir_);
    if (!names) return names.error();
    names_.insert(names->begin(), names->end());
    std::vector<std::uint64_t> ids;
    for (const auto& name : *names) {
      if (const auto id = segment_id(name)) ids.push_back(*id);
    }
    std::sort(ids.begin(), ids.end());
    if (!ids.empty()) out_.last_id = ids.back();
    if (auto done = remove_superseded(ids); !done) return done.error();
    for (const auto id : ids) {
      if (auto done = read_segment(id, id == ids.back()); !done) return done.error();
    }
    out_.summary.segments = out_.segments.size();
    return std::move(out_);
  }

 private:
  // A segment was copied into the one behind it (SegmentLog::open) and the power went before it was removed:
  // both begin with the same LSN. A segment without records looks the same, and may go too.
  Result<void> remove_superseded(std::vector<std::uint64_t>& ids) {
    std::optional<Lsn> behind;
    for (auto id = ids.rbegin(); id != ids.rend(); ++id) {
      auto file = files_.open(dir_ / segment_name(*id), io::OpenMode::read);
      if (!file) return file.error();
      const auto header = read_segment_header(**file);
      if (!header) return header.error();
      if (!*header || (*header)->version != kVersion) continue;
      if (behind == (*header)->base_lsn) {
        if (auto done = files_.remove(dir_ / segment_name(*id)); !done) return done;
        if (auto done = files_.sync_directory(dir_); !done) return done;
        *id = 0;
      }
      behind = (*header)->base_lsn;
    }
    std::erase(ids, std::uint64_t{0});
    return {};
  }

  Result<void> read_segment(std::uint64_t id, bool last) {
    const auto name = segment_name(id);
    auto file = files_.open(dir_ / name, io::OpenMode::read_write);
    if (!file) return file.error();
    (*file)->drop_cache();
    const auto header = read_segment_header(**file);
    if (!header) return header.error();
    if (!*header || (*header)->id != id) return remove_or_rename(**file, name);
    if ((*header)->version != kVersion)
      return permanent(name + " was written by another version of this program");
    return scan(**file, name, **header, last);
  }

  Result<void> scan(io::File& file, const std::string& name, const SegmentHeader& header, bool last) {
    out_.segments.push_back(header);
    out_.ledger.add_segment(header.id, header.base_lsn);
    std::vector<DamagedRegion> damage;
    const auto scanned =
        SegmentReader(file, header)
            .scan([&](const ScannedRecord& record) { note_record(record, out_.ledger, key_window_); },
                  [&](const DamagedRegion& region) { damage.push_back(region); });
    if (!scanned) return scanned.error();
    out_.last_lsn = std::max(out_.last_lsn, scanned->last_lsn);
    bool cut = true;
    for (const auto& region : damage) {
      const bool torn = last && !region.after;
      const bool saved = torn ? set_torn_tail_aside(file, name, region) : copy_damage(file, name, region);
      if (!region.after) cut = torn && saved;
      if (last && !saved) out_.last_can_go = false;
    }
    return cut ? cut_behind(file, scanned->offset) : note_size(file);
  }

  // Only zeros are left there, or what was copied: a process that was killed leaves the whole preallocated
  // file.
  Result<void> cut_behind(io::File& file, std::uint64_t end) {
    const auto size = file.size();
    if (!size) return size.error();
    if (*size > end) {
      if (auto done = file.truncate(end); !done) return done;
      if (auto done = file.sync_data(); !done) return done;
    }
    out_.ledger.set_bytes(std::min(*size, end));
    return {};
  }

  Result<void> note_size(io::File& file) {
    const auto size = file.size();
    if (!size) return size.error();
    out_.ledger.set_bytes(*size);
    return {};
  }

  // A file without a header: its making was cut short (then it is empty), or something has damaged it.
  Result<void> remove_or_rename(io::File& file, const std::string& name) {
    const auto used = used_bytes(file);
    if (!used) return used.error();
    if (*used == 0) {
      if (auto done = files_.remove(dir_ / name); !done) return done;
      return files_.sync_directory(dir_);
    }
    const auto kept = free_name(name + ".broken");
    log::error("journal: {} has no valid header; set aside as {}", name, kept);
    ++out_.summary.damaged_regions;
    if (auto done = files_.rename(dir_ / name, dir_ / kept); !done) return done;
    return files_.sync_directory(dir_);
  }

  bool set_torn_tail_aside(io::File& file, const std::string& name, const DamagedRegion& region) {
    const auto to = free_name(name + ".broken");
    out_.summary.torn_bytes += region.end - region.begin;
    log::warn("journal: {}: the last write was cut short at byte {}; set aside as {}", name, region.begin,
              to);
    return copied(file, to, region);
  }

  // The bytes also stay where they are, and are met again at the next start.
  bool copy_damage(io::File& file, const std::string& name, const DamagedRegion& region) {
    const auto to = name + ".damaged-" + std::to_string(region.begin);
    const auto until = region.after ? " to " + std::to_string(*region.after - 1) : " and possibly later ones";
    ++out_.summary.damaged_regions;
    if (out_.summary.first_lost == 0) out_.summary.first_lost = region.before + 1;
    out_.summary.last_lost = region.after ? *region.after - 1 : region.before + 1;
    log::error("journal: {}: bytes {} to {} are damaged, LSN {}{} lost; copied to {}", name, region.begin,
               region.end, region.before + 1, until, to);
    return names_.contains(to) || copied(file, to, region);
  }

  bool copied(io::File& file, const std::string& name, const DamagedRegion& region) {
    const auto done = copy(file, name, region);
    if (!done) log::warn("journal: the damaged bytes could not be copied: {}", done.error().message);
    return done.has_value();
  }

  // Complete under its name, or not there.
  Result<void> copy(io::File& from, const std::string& name, const DamagedRegion& region) {
    const auto partial = dir_ / (name + ".partial");
    if (names_.contains(partial.filename().string())) (void)files_.remove(partial);
    auto file = files_.open(partial, io::OpenMode::create_new);
    if (!file) return file.error();
    for (auto offset = region.begin; offset < region.end; offset += kCopyBytes) {
      const auto part =
          from.read_at(offset, static_cast<std::size_t>(std::min(kCopyBytes, region.end - offset)));
      if (!part) return part.error();
      const std::array<std::string_view, 1> pieces{*part};
      if (auto done = (*file)->write_at(offset - region.begin, pieces); !done) return done;
    }
    if (auto done = (*file)->sync_data(); !done) return done;
    if (auto done = files_.rename(partial, dir_ / name); !done) return done;
    return files_.sync_directory(dir_);
  }

  std::string free_name(const std::string& wanted) const {
    auto name = wanted;
    for (int number = 2; names_.contains(name); ++number) name = wanted + "-" + std::to_string(number);
    return name;
  }

  io::FileSystem& files_;
  const io::Path& dir_;
  const std::chrono::milliseconds key_window_;
  std::set<std::string> names_;  // in the directory
  Recovered out_;
};

}  // namespace

void note_record(const ScannedRecord& record, AckLedger& ledger, std::chrono::milliseconds key_window) {
  const auto& header = record.header;
  if (header.type == RecordType::acknowledge) {
    const auto lsns = decode_acknowledgement(record.payload);
    if (!lsns) return;
    for (const auto lsn : *lsns) ledger.acknowledge(lsn);
    return;
  }
  ledger.add_record(header.lsn);
  if ((header.flags & kKeyFlag) == 0) return;
  if (const auto operation = decode(header.type, record.payload)) {
    if (const auto* append = std::get_if<AppendRecord>(&*operation)) {
      // Whatever time a record names: the sum must not overflow.
      ledger.keep_until(std::min(append->accepted_at, Timestamp::max() - key_window) + key_window);
    }
  }
}

Result<Recovered> recover(io::FileSystem& files, const io::Path& dir, std::chrono::milliseconds key_window) {
  return Recovery(files, dir, key_window).run();
}

}  // namespace holdfast::journal
