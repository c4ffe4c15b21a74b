#include "segment_reader.hpp"

#include <algorithm>

namespace holdfast::journal {
namespace {

constexpr std::size_t kWindow = 1u << 20;
// A damaged length field must not make us believe in an LSN far away: a segment holds fewer records than
// this.
constexpr Lsn kMostRecordsAhead = Lsn{1} << 32;

}  // namespace

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
  if (offset + kRecordHeaderBytes > size_) return std::optional<ScannedRecord>{};
  const auto head = bytes(offset, kRecordHeaderBytes);
  if (!head) return head.error();
  if (head->size() < kRecordHeaderBytes) return std::optional<ScannedRecord>{};
  const auto header = decode_record_header(*head);
  const bool plausible = header.lsn > after && header.lsn >= header_.base_lsn &&
                         header.lsn - header_.base_lsn < kMostRecordsAhead &&
                         header.type >= RecordType::append && header.type <= RecordType::acknowledge &&
                         header.length <= size_ - offset - kRecordHeaderBytes;
  if (!plausible) return std::optional<ScannedRecord>{};
  const auto all = bytes(offset, kRecordHeaderBytes + header.length);
  if (!all) return all.error();
  const auto payload = all->substr(kRecordHeaderBytes);
  if (payload.size() != header.length ||
      !verify_record(header_.salt, all->substr(0, kRecordHeaderBytes), payload)) {
    return std::optional<ScannedRecord>{};
  }
  return std::optional(ScannedRecord{header, payload});
}

Result<std::optional<std::uint64_t>> SegmentReader::next_valid(std::uint64_t offset, Lsn after) {
  for (; offset + kRecordHeaderBytes <= size_; offset += kAlignment) {
    const auto record = record_at(offset, after);
    if (!record) return record.error();
    if (*record) return std::optional(offset);
  }
  return std::optional<std::uint64_t>{};
}

Result<bool> SegmentReader::only_zeros(std::uint64_t offset) {
  while (offset < size_) {
    const auto part =
        bytes(offset, static_cast<std::size_t>(std::min<std::uint64_t>(kWindow, size_ - offset)));
    if (!part) return part.error();
    if (part->empty()) break;
    if (part->find_first_not_of('\0') != std::string_view::npos) return false;
    offset += part->size();
  }
  return true;
}

Result<ScanResult> SegmentReader::scan(const std::function<void(const ScannedRecord&)>& on_record,
                                       const std::function<void(const DamagedRegion&)>& on_damage) {
  const auto size = file_.size();
  if (!size) return size.error();
  size_ = *size;
  ScanResult result;
  while (result.end < size_) {
    const auto record = record_at(result.end, result.last_lsn);
    if (!record) return record.error();
    if (*record) {
      on_record(**record);
      result.last_lsn = (*record)->header.lsn;
      result.end += record_bytes((*record)->header.length);
      continue;
    }
    const auto clean = only_zeros(result.end);
    if (!clean) return clean.error();
    if (*clean) break;
    const auto next = next_valid(result.end, result.last_lsn);
    if (!next) return next.error();
    DamagedRegion damage{result.end, next->value_or(size_), !*next, result.last_lsn, 0};
    if (*next) {
      const auto following = record_at(**next, result.last_lsn);
      if (!following) return following.error();
      damage.after = (*following)->header.lsn;
    }
    on_damage(damage);
    if (!*next) break;
    result.end = **next;
  }
  return result;
}

}  // namespace holdfast::journal
