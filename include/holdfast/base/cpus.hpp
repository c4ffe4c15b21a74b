// How many CPUs this process may use.
#pragma once

#include <filesystem>

namespace holdfast {

// The least of the CPUs in its affinity mask and the quotas of its cgroup and that one's ancestors (v1 and
// v2); a quota of half a CPU is 0.5. Above 0. What cannot be read is no bound. Reads files: not on a shard.
double usable_cpus(const std::filesystem::path& proc = "/proc",
                   const std::filesystem::path& cgroups = "/sys/fs/cgroup");

}  // namespace holdfast
