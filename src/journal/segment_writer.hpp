// The segment that is written now. Used on the journal thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "holdfast/base/result.hpp"
#include "holdfast/io/file_system.hpp"
#include "segment_format.hpp"

namespace holdfast::journal {

class SegmentWriter {
 public:
  // Creates the file with at least `bytes` preallocated, its header and its directory entry synced: whatever
  // is written and synced to it afterwards is found by recovery.
  static Result<std::unique_ptr<SegmentWriter>> create(io::FileSystem& files, const io::Path& dir,
                                                       std::uint64_t id, Lsn base_lsn, std::uint64_t bytes);

  bool fits(std::size_t bytes) const { return offset_ + bytes <= capacity_; }
  Result<void> write(std::string_view records);
  Result<void> sync() { return file_->sync_data(); }
  // No more records: gives the unused space back.
  Result<void> seal() { return file_->truncate(offset_); }

  std::uint64_t id() const { return header_.id; }
  std::uint64_t salt() const { return header_.salt; }
  std::uint64_t capacity() const { return capacity_; }
  std::uint64_t offset() const { return offset_; }

 private:
  SegmentWriter(std::unique_ptr<io::File> file, SegmentHeader header, std::uint64_t capacity)
      : file_(std::move(file)), header_(header), capacity_(capacity) {}

  std::unique_ptr<io::File> file_;
  const SegmentHeader header_;
  const std::uint64_t capacity_;
  std::uint64_t offset_ = kSegmentHeaderBytes;
};

}  // namespace holdfast::journal
