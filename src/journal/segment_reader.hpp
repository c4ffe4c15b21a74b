// Reads one segment from front to back, over whatever is in it: valid records are handed out, damage is
// reported and skipped to the next valid record.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "holdfast/base/result.hpp"
#include "holdfast/io/file_system.hpp"
#include "segment_format.hpp"

namespace holdfast::journal {

struct ScannedRecord {
  RecordHeader header;
  std::string_view payload;  // valid during the callback
};

struct DamagedRegion {  // bytes [begin, end) that are no valid record
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  Lsn before = 0;            // LSN of the last valid record before it, or the one before the segment's base
  std::optional<Lsn> after;  // LSN of the next valid record; none: a torn tail, where the segment is the last
};

struct Place {  // in a segment, between two records
  std::uint64_t offset = kRecordsOffset;
  Lsn last_lsn = 0;  // of the record before
};

// The header of a segment, from its copy where the first is damaged; nothing when neither is valid.
Result<std::optional<SegmentHeader>> read_segment_header(io::File& file);

// Where the zeros at the end of the file begin, rounded up to a record's alignment.
Result<std::uint64_t> used_bytes(io::File& file);

class SegmentReader {
 public:
  // file must outlive the reader.
  SegmentReader(io::File& file, const SegmentHeader& header) : file_(file), header_(header) {}

  // The whole segment. Records of a group without its last one (kCommitFlag) are damage. Answer: where the
  // valid groups end.
  Result<Place> scan(const std::function<void(const ScannedRecord&)>& on_record,
                     const std::function<void(const DamagedRegion&)>& on_damage);

  // Records from there on, past damage, until on_record says false or there is none; also of a segment that
  // is being written. Answer: where it stopped.
  Result<Place> scan_from(Place from, const std::function<bool(const ScannedRecord&)>& on_record);

 private:
  // Makes window_ cover [offset, offset + size) as far as the file goes; the bytes there.
  Result<std::string_view> bytes(std::uint64_t offset, std::size_t size);
  // The record at offset, if a valid one with an LSN above `after` is there.
  Result<std::optional<ScannedRecord>> record_at(std::uint64_t offset, Lsn after);
  // What lies between offset, where no valid record is, and the next valid one.
  Result<DamagedRegion> damage_at(std::uint64_t offset, Lsn before);

  io::File& file_;
  const SegmentHeader header_;
  std::uint64_t size_ = 0;
  std::uint64_t used_ = 0;  // no record begins here or behind
  std::string window_;
  std::uint64_t window_begin_ = 0;
};

}  // namespace holdfast::journal
