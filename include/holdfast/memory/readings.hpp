// What the kernel says about memory: of this process, of the cgroups around it, of the machine. A source that
// cannot be read or makes no sense is left out (nullopt) and named, never reported as 0.
//
// Cost. Files stay open and are read again with pread: about 1 µs for statm and usage, 5 µs for meminfo, 15
// µs for memory.stat, which tells page cache from memory in use. Never mallinfo2 or
// smaps_rollup, which take milliseconds.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::memory {

struct Sources {
  std::filesystem::path proc = "/proc";
  std::filesystem::path cgroups = "/sys/fs/cgroup";
};

struct CgroupReading {
  std::string name;  // "/pod/container", as the hierarchy has it
  std::uint64_t limit_bytes = 0;
  std::uint64_t working_set_bytes = 0;  // usage without the clean page cache
};

struct Readings {
  std::optional<std::uint64_t> resident_bytes, virtual_bytes;
  std::optional<std::uint64_t> ram_bytes, ram_available_bytes;  // of the machine
  std::optional<CgroupReading> cgroup;             // of those with a limit, the one that is used up furthest
  std::optional<std::uint64_t> cgroup_room_bytes;  // least that any of them has left
  std::optional<std::uint64_t> address_space_limit_bytes;  // RLIMIT_AS
  std::optional<double> stalled_some, stalled_full;  // of the last 10 s, 0…1, tasks waited for memory (PSI)
  std::optional<std::uint64_t> oom_kills, limit_hits;  // in our own cgroup, since it exists
  // The least of RAM, every memory limit (v1; v2 max and high) of our cgroup and its ancestors, and
  // RLIMIT_AS.
  std::optional<std::uint64_t> limit_bytes;
  std::string limit_origin;             // "the machine's RAM", "memory.max of cgroup /pod", "RLIMIT_AS"
  std::vector<std::string> unreadable;  // sources that ought to be there

  // The least of what the machine, the cgroups and RLIMIT_AS still have.
  std::optional<std::uint64_t> available_bytes() const;
};

// A file that is opened once and read often. Movable; one thread.
class KeptFile {
 public:
  explicit KeptFile(std::filesystem::path path);
  KeptFile(KeptFile&& other) noexcept;
  KeptFile& operator=(KeptFile&&) = delete;
  ~KeptFile();
  bool is_open() const { return descriptor_ >= 0; }
  const std::filesystem::path& path() const { return path_; }
  // Its first 16 KiB as they are now; empty when unreadable. Valid until the next call.
  std::string_view read(std::string& buffer) const;

 private:
  std::filesystem::path path_;
  int descriptor_ = -1;
};

// Hierarchies: v2 at `cgroups` or at `cgroups`/unified, v1 at `cgroups`/memory. A path of another cgroup
// namespace is not there; its ancestors, up to the mounted root, are. One thread.
class Reader {
 public:
  explicit Reader(const Sources& sources);
  Readings read();

 private:
  struct Group {
    std::string name;
    bool v2 = false, own = false;  // own: the one we are in
    KeptFile limit, high, usage, stat, events;
  };
  void read_groups(Readings& readings);

  KeptFile statm_, meminfo_, pressure_;
  std::vector<Group> groups_;  // those that have a limit file, from ours to the root
  std::string buffer_;
};

// Reader(sources).read().limit_bytes, for who asks once.
std::optional<std::uint64_t> read_memory_limit(const Sources& sources);

}  // namespace holdfast::memory
