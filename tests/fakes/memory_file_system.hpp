// A file system in memory for tests: it can lose what was not synced, and make calls fail.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "holdfast/io/file_system.hpp"

namespace holdfast::io {

enum class Call { open, list, read, write, sync, preallocate, truncate, sync_directory, remove, rename };
inline constexpr std::size_t kCalls = 10;

// Thread-safe. Directories are not kept: every path's folder exists.
class MemoryFileSystem final : public FileSystem {
 public:
  Result<std::unique_ptr<File>> open(const Path& path, OpenMode mode) override;
  Result<std::vector<std::string>> list(const Path& dir) override;
  Result<void> create_directories(const Path& dir) override;
  Result<void> sync_directory(const Path& dir) override;
  Result<void> remove(const Path& path) override;
  Result<void> rename(const Path& from, const Path& to) override;
  Result<std::shared_ptr<void>> lock_directory(const Path& dir) override;

  // The power fails: file contents go back to their last sync, and names to the last sync of their directory.
  // Locks are free again. Files that are open stay usable, but write to nowhere.
  void crash();
  // The same, but of what was not synced every 512-byte block and every name is kept or lost by chance, as on
  // real disks (harsher: an unsynced rename may lose both names).
  void crash_keeping_some(std::uint32_t seed);

  // The nth call of this kind from now on (1: the next; 0: none any more) fails with this error, once or from
  // then on. A write that fails has written the first half.
  void fail(Call call, int nth, Error error, bool for_ever = false);
  std::uint64_t calls(Call call) const;

  // From now on File::data_end() tells too little: the first block.
  bool hides_data = false;

  std::string content(const Path& path) const;
  void set_content(const Path& path, std::string content);  // synced
  void clear();                                             // no files any more, synced

 private:
  friend class MemoryFile;
  struct Node {
    std::string data;
    std::string synced;
  };
  struct Failure {
    int nth = 0;  // 0: none
    bool for_ever = false;
    Error error;
  };
  using Names = std::map<std::string, std::shared_ptr<Node>>;

  // With mutex_ held.
  Result<void> admit(Call call);
  void restart_with(const std::map<std::string, std::string>& contents);

  mutable std::mutex mutex_;
  Names names_;
  Names synced_names_;
  std::array<Failure, kCalls> failures_;
  std::array<std::uint64_t, kCalls> calls_{};
  std::map<std::string, std::weak_ptr<void>> locks_;
};

}  // namespace holdfast::io
