// The seam to files and directories, so that tests can make any call fail and can lose what was not synced.
// Blocking; every function may be called from any thread, one File from one thread at a time.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "holdfast/base/result.hpp"

namespace holdfast::io {

using Path = std::filesystem::path;

class File {
 public:
  virtual ~File() = default;  // closes
  // All bytes of all pieces at offset, or an error (then what was written is undefined).
  virtual Result<void> write_at(std::uint64_t offset, std::span<const std::string_view> pieces) = 0;
  // Up to size bytes; fewer only at the end of the file.
  virtual Result<std::string> read_at(std::uint64_t offset, std::size_t size) = 0;
  virtual Result<void> sync_data() = 0;  // fdatasync
  virtual Result<void> preallocate(
      std::uint64_t size) = 0;  // posix_fallocate: the file has size bytes of zeros or old bytes
  virtual Result<void> truncate(std::uint64_t size) = 0;
  virtual Result<std::uint64_t> size() = 0;
  // Up to where there may be anything but zeros, as the file system knows without reading; at most the size.
  virtual Result<std::uint64_t> data_end() = 0;
  virtual void drop_cache() = 0;  // posix_fadvise(DONTNEED) over the whole file
};

enum class OpenMode { read, create_new, read_write };

class FileSystem {
 public:
  virtual ~FileSystem() = default;
  virtual Result<std::unique_ptr<File>> open(const Path& path, OpenMode mode) = 0;  // never follows a symlink
  virtual Result<std::vector<std::string>> list(const Path& dir) = 0;               // names, sorted
  virtual Result<void> create_directories(const Path& dir) = 0;  // mode 0700, entries synced
  virtual Result<void> sync_directory(const Path& dir) = 0;
  virtual Result<void> remove(const Path& path) = 0;
  virtual Result<void> rename(const Path& from, const Path& to) = 0;
  // Held until the returned object is destroyed; error when another process holds it.
  virtual Result<std::shared_ptr<void>> lock_directory(const Path& dir) = 0;
};

FileSystem& posix_file_system();  // lives for ever

}  // namespace holdfast::io
