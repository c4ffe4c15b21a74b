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

// Space for the next segment, taken from the disk before it is needed.
struct PreparedFile {
  std::string name;
  std::unique_ptr<io::File> file;
  std::uint64_t bytes = 0;
};
Result<PreparedFile> prepare_file(io::FileSystem& files, const io::Path& dir, std::string name,
                                  std::uint64_t bytes);

class SegmentWriter {
 public:
  // Makes a segment of the file, under that file's name: its header is written and synced.
  static Result<std::unique_ptr<SegmentWriter>> create(PreparedFile file, std::uint64_t id, Lsn base_lsn);
  // Gives it its name and syncs the directory: whatever is written and synced to it is found by recovery.
  Result<void> publish(io::FileSystem& files, const io::Path& dir);

  // Of records; the writer's owner asks before it writes.
  bool fits(std::size_t bytes) const { return offset_ + bytes <= capacity_; }
  Result<void> write(std::string_view records);
  Result<void> sync() { return file_->sync_data(); }
  // No more records: gives the unused space back.
  Result<void> seal() { return file_->truncate(offset_); }

  std::uint64_t id() const { return header_.id; }
  std::uint64_t salt() const { return header_.salt; }
  std::uint64_t capacity() const { return capacity_; }
  std::uint64_t offset() const { return offset_; }
  const SegmentHeader& header() const { return header_; }

 private:
  SegmentWriter(PreparedFile file, SegmentHeader header)
      : name_(std::move(file.name)), file_(std::move(file.file)), header_(header), capacity_(file.bytes) {}

  const std::string name_;  // until publish()
  std::unique_ptr<io::File> file_;
  const SegmentHeader header_;
  const std::uint64_t capacity_;
  std::uint64_t offset_ = kRecordsOffset;
};

}  // namespace holdfast::journal
