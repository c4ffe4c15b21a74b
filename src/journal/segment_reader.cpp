#include "segment_reader.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "holdfast/base/log.hpp"

namespace holdfast::journal {
namespace {

constexpr std::size_t kWindow = 1u << 20;
constexpr std::size_t kBehindData = 64u << 10;

bool is_record_type(RecordType type) {
  return type >= RecordType::append && type <= RecordType::acknowledge;
}

}  // namespace

Result<std::optional<SegmentHeader>> read_segment_header(io::File& file) {
  for (const std::uint64_t offset : {std::uint64_t{0}, kHeaderCopyOffset}) {
    const auto bytes = file.read_at(offset, kSegmentHeaderBytes);
    if (!bytes) return bytes.error();
    if (const auto header = decode_segment_header(*bytes)) {
      if (offset > 0)
        log::error("journal: segment {:x}: the header is damaged, its copy is used", header->id);
      return header;
    }
  }
  return std::optional<SegmentHeader>{};
}

Result<std::uint64_t> used_bytes(io::File& file) {
  const auto size = file.size();
  if (!size) return size.error();
  auto data_end = file.data_end();
  if (!data_end) return data_end.error();
  // The log has no gaps: behind an end that a file system told too early there is a record at once.
  const auto behind = file.read_at(*data_end, kBehindData);
  if (!behind) return behind.error();
  if (behind->find_first_not_of('\0') != std::string::npos) data_end = *size;
  for (auto end = *data_end; end > 0;) {
    const auto begin = end - std::min<std::uint64_t>(end, kWindow);
    const auto part = file.read_at(begin, static_cast<std::size_t>(end - begin));
    if (!part) return part.error();
    const auto last = part->find_last_not_of('\0');
    if (last != std::string::npos) return std::min(*size, std::uint64_t{aligned(begin + last + 1)});
    end = begin;
  }
  return std::uint64_t{0};
}

Result<std::string_view> SegmentReader::bytes(std::uint64_t offset, std::size_t size) {
  const bool inside = offset >= window_begin_ && offset + size <= window_begin_ + window_.size();
  if (!inside) {
    auto read = file_.read_at(offset, std::max(size, kWindow));
    if (!read) return read.error();
    window_ = std::move(*read);
    window_begin_ = offset;
  }
  return std::string_view(window_).substr(offset - window_begin_, size);
}

Result<std::optional<ScannedRecord>> SegmentReader::record_at(std::uint64_t offset, Lsn after) {
  const std::optional<ScannedRecord> none;
  if (offset + kRecordHeaderBytes > size_) return none;
  const auto head = bytes(offset, kRecordHeaderBytes);
  if (!head) return head.error();
  if (head->size() < kRecordHeaderBytes) return none;
  const auto header = decode_record_header(*head);
  // The length is checked before anything of that length is read.
  const bool plausible = header.lsn > after && header.lsn - header_.base_lsn < kMostRecords &&
                         is_record_type(header.type) && header.length <= size_ - offset - kRecordHeaderBytes;
  if (!plausible) return none;
  const auto record = bytes(offset, kRecordHeaderBytes + header.length);
  if (!record) return record.error();
  const auto payload = record->substr(kRecordHeaderBytes);
  if (payload.size() != header.length || !verify_record(header_.salt, *record, payload)) return none;
  return std::optional(ScannedRecord{header, payload});
}

Result<DamagedRegion> SegmentReader::damage_at(std::uint64_t offset, Lsn before) {
  DamagedRegion damage{offset, used_, before, std::nullopt};
  for (auto at = offset + kAlignment; at < used_; at += kAlignment) {
    const auto record = record_at(at, before);
    if (!record) return record.error();
    if (!*record) continue;
    damage.end = at;
    damage.after = (*record)->header.lsn;
    break;
  }
  return damage;
}

Result<Place> SegmentReader::scan(const std::function<void(const ScannedRecord&)>& on_record,
                                  const std::function<void(const DamagedRegion&)>& on_damage) {
  const auto size = file_.size();
  if (!size) return size.error();
  const auto used = used_bytes(file_);
  if (!used) return used.error();
  size_ = *size;
  used_ = *used;
  Place at{kRecordsOffset, header_.base_lsn - 1};
  Place committed = at;                                     // behind the last whole group
  std::vector<std::pair<RecordHeader, std::string>> group;  // without its last record so far
  while (at.offset < used_) {
    const auto record = record_at(at.offset, at.last_lsn);
    if (!record) return record.error();
    if (*record) {
      at = {at.offset + record_bytes((*record)->header.length), (*record)->header.lsn};
      if (((*record)->header.flags & kCommitFlag) == 0) {
        group.emplace_back((*record)->header, (*record)->payload);
        continue;
      }
      for (const auto& [header, payload] : group) on_record({header, payload});
      on_record(**record);
      group.clear();
      committed = at;
      continue;
    }
    auto damage = damage_at(at.offset, at.last_lsn);
    if (!damage) return damage.error();
    damage->begin = committed.offset;
    damage->before = committed.last_lsn;
    group.clear();
    on_damage(*damage);
    if (!damage->after) return committed;
    committed.offset = at.offset = damage->end;
  }
  if (!group.empty()) on_damage({committed.offset, used_, committed.last_lsn, std::nullopt});
  return committed;
}

Result<Place> SegmentReader::scan_from(Place from,
                                       const std::function<bool(const ScannedRecord&)>& on_record) {
  const auto size = file_.size();
  if (!size) return size.error();
  size_ = used_ = *size;
  for (bool go_on = true; go_on;) {
    const auto record = record_at(from.offset, from.last_lsn);
    if (!record) return record.error();
    if (!*record) {
      const auto damage = damage_at(from.offset, from.last_lsn);
      if (!damage) return damage.error();
      if (!damage->after) break;
      from.offset = damage->end;
      continue;
    }
    from = {from.offset + record_bytes((*record)->header.length), (*record)->header.lsn};
    go_on = on_record(**record);
  }
  return from;
}

}  // namespace holdfast::journal
