// The cgroups this process is in.
#pragma once

#include <filesystem>
#include <string_view>
#include <vector>

namespace holdfast {

struct Cgroup {
  std::filesystem::path root;  // of its hierarchy: "/sys/fs/cgroup/memory"
  std::filesystem::path name;  // of the process's own group, relative to the root; empty: the root
  bool v2 = false;
};

// Where the files of this controller ("cpu", "memory") may lie: in v1's hierarchy of its own, in v2's, and in
// v2's beside v1's. Limits of the ancestors count too. Reads a file: not on a shard.
std::vector<Cgroup> cgroups_of(std::string_view controller, const std::filesystem::path& proc,
                               const std::filesystem::path& cgroups);

}  // namespace holdfast
