// Reads one segment from front to back, over whatever is in it: valid records are handed out, damage is
// reported and skipped to the next valid record.
#pragma once

#include <cstdint>
#include <functional>
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
  bool at_end = false;  // no valid record follows: a torn tail, where the segment is the last
  Lsn before = 0;       // last LSN before it, and first after it (0: none)
  Lsn after = 0;
};

struct ScanResult {
  std::uint64_t end = kSegmentHeaderBytes;  // where the valid records end
  Lsn last_lsn = 0;                         // 0: no record
};

class SegmentReader {
 public:
  // file must outlive the reader.
  SegmentReader(io::File& file, const SegmentHeader& header) : file_(file), header_(header) {}

  Result<ScanResult> scan(const std::function<void(const ScannedRecord&)>& on_record,
                          const std::function<void(const DamagedRegion&)>& on_damage);

 private:
  // Makes window_ cover [offset, offset + size) as far as the file goes; the bytes there.
  Result<std::string_view> bytes(std::uint64_t offset, std::size_t size);
  // The record at offset, if a valid one is there.
  Result<std::optional<ScannedRecord>> record_at(std::uint64_t offset, Lsn after);
  Result<std::optional<std::uint64_t>> next_valid(std::uint64_t offset, Lsn after);
  Result<bool> only_zeros(std::uint64_t offset);

  io::File& file_;
  const SegmentHeader header_;
  std::uint64_t size_ = 0;
  std::string window_;
  std::uint64_t window_begin_ = 0;
};

}  // namespace holdfast::journal
