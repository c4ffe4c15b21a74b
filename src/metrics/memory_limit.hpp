// The memory limit this process lives under.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

namespace holdfast::metrics {

// The least of MemTotal and the limits of our cgroup and all its ancestors, in bytes. Hierarchies: v2 at
// `cgroups` or at `cgroups`/unified, v1 at `cgroups`/memory. A path of another cgroup namespace is not there;
// its ancestors, up to the mounted root, are. nullopt when no source is readable.
std::optional<std::uint64_t> read_memory_limit(const std::filesystem::path& proc,
                                               const std::filesystem::path& cgroups);

}  // namespace holdfast::metrics
