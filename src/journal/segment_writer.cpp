#include "segment_writer.hpp"

#include <array>
#include <random>

namespace holdfast::journal {
namespace {

std::uint64_t random_salt() {
  std::random_device device;
  return static_cast<std::uint64_t>(device()) << 32 | device();
}

Result<void> prepare(io::FileSystem& files, io::File& file, const io::Path& dir, const SegmentHeader& header,
                     std::uint64_t bytes) {
  if (auto done = file.preallocate(bytes); !done) return done;
  const auto encoded = encode_segment_header(header);
  const std::array<std::string_view, 1> pieces{encoded};
  if (auto done = file.write_at(0, pieces); !done) return done;
  if (auto done = file.sync_data(); !done) return done;
  return files.sync_directory(dir);
}

}  // namespace

Result<std::unique_ptr<SegmentWriter>> SegmentWriter::create(io::FileSystem& files, const io::Path& dir,
                                                             std::uint64_t id, Lsn base_lsn,
                                                             std::uint64_t bytes) {
  const SegmentHeader header{id, random_salt(), base_lsn};
  const auto path = dir / segment_name(id);
  auto file = files.open(path, io::OpenMode::create_new);
  if (!file) return file.error();
  if (auto done = prepare(files, **file, dir, header, bytes); !done) {
    (void)files.remove(path);  // half made: nothing is in it yet
    return done.error();
  }
  return std::unique_ptr<SegmentWriter>(new SegmentWriter(std::move(*file), header, bytes));
}

Result<void> SegmentWriter::write(std::string_view records) {
  const std::array<std::string_view, 1> pieces{records};
  if (auto done = file_->write_at(offset_, pieces); !done) return done;
  offset_ += records.size();
  return {};
}

}  // namespace holdfast::journal
