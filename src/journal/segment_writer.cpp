#include "segment_writer.hpp"

#include <array>
#include <random>
#include <utility>

#include "holdfast/base/failpoint.hpp"

namespace holdfast::journal {
namespace {

std::uint64_t random_salt() {
  thread_local std::random_device device;  // the making asks the processor what it can, which is slow in a VM
  return static_cast<std::uint64_t>(device()) << 32 | device();
}

}  // namespace

Result<PreparedFile> prepare_file(io::FileSystem& files, const io::Path& dir, std::string name,
                                  std::uint64_t bytes) {
  (void)files.remove(dir / name);  // of an attempt that failed
  auto file = files.open(dir / name, io::OpenMode::create_new);
  if (!file) return file.error();
  if (auto done = (*file)->preallocate(bytes); !done) {
    (void)files.remove(dir / name);
    return done.error();
  }
  return PreparedFile{std::move(name), std::move(*file), bytes};
}

Result<std::unique_ptr<SegmentWriter>> SegmentWriter::create(PreparedFile file, std::uint64_t id,
                                                             Lsn base_lsn) {
  const SegmentHeader header{id, random_salt(), base_lsn};
  auto front = encode_segment_header(header);
  const auto copy = front;
  front.resize(kHeaderCopyOffset);
  const std::array<std::string_view, 2> pieces{front, copy};
  if (auto done = file.file->write_at(0, pieces); !done) return done.error();
  if (auto done = file.file->sync_data(); !done) return done.error();
  return std::unique_ptr<SegmentWriter>(new SegmentWriter(std::move(file), header));
}

Result<void> SegmentWriter::publish(io::FileSystem& files, const io::Path& dir) {
  HOLDFAST_PASS("segment_before_rename");
  if (auto done = files.rename(dir / name_, dir / segment_name(header_.id)); !done) return done;
  HOLDFAST_PASS("segment_before_directory_sync");
  return files.sync_directory(dir);
}

Result<void> SegmentWriter::write(std::string_view records) {
  const std::array<std::string_view, 1> pieces{records};
  if (auto done = file_->write_at(offset_, pieces); !done) return done;
  offset_ += records.size();
  HOLDFAST_PASS("journal_written");
  return {};
}

}  // namespace holdfast::journal
