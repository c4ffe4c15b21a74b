#include "metrics/memory_limit.hpp"

#include <algorithm>
#include <fstream>
#include <string>
#include <string_view>

namespace holdfast::metrics {

namespace {

using Limit = std::optional<std::uint64_t>;

Limit least(Limit a, Limit b) {
  if (!a || !b) return a ? a : b;
  return std::min(*a, *b);
}

// A file with one number; "max" and anything else is no limit.
Limit read_limit(const std::filesystem::path& file) {
  std::ifstream in(file);
  std::uint64_t bytes = 0;
  return in >> bytes ? Limit(bytes) : std::nullopt;
}

Limit read_ram(const std::filesystem::path& meminfo) {
  std::ifstream in(meminfo);
  std::string key, unit;
  for (std::uint64_t kib = 0; in >> key >> kib; std::getline(in, unit)) {
    if (key == "MemTotal:") return kib * 1024;
  }
  return std::nullopt;
}

// `group` as /proc names it: absolute within the hierarchy mounted at `root`.
Limit least_of_ancestors(const std::filesystem::path& root, std::string_view group,
                         std::initializer_list<const char*> files) {
  Limit limit;
  for (auto relative = std::filesystem::path(group).relative_path();; relative = relative.parent_path()) {
    for (const char* file : files) limit = least(limit, read_limit(root / relative / file));
    if (relative.empty()) return limit;
  }
}

// One line of /proc/self/cgroup: "hierarchy:controllers:path"; v2 is "0::path".
Limit limit_of_line(const std::filesystem::path& cgroups, std::string_view line) {
  const auto first = line.find(':');
  if (first == std::string_view::npos) return std::nullopt;
  const auto second = line.find(':', first + 1);
  if (second == std::string_view::npos) return std::nullopt;
  const auto controllers = line.substr(first + 1, second - first - 1);
  const auto group = line.substr(second + 1);
  if (controllers == "memory")
    return least_of_ancestors(cgroups / "memory", group, {"memory.limit_in_bytes"});
  if (!controllers.empty()) return std::nullopt;
  return least(least_of_ancestors(cgroups, group, {"memory.max", "memory.high"}),
               least_of_ancestors(cgroups / "unified", group, {"memory.max", "memory.high"}));
}

}  // namespace

std::optional<std::uint64_t> read_memory_limit(const std::filesystem::path& proc,
                                               const std::filesystem::path& cgroups) {
  Limit limit = read_ram(proc / "meminfo");
  std::ifstream lines(proc / "self" / "cgroup");
  for (std::string line; std::getline(lines, line);) limit = least(limit, limit_of_line(cgroups, line));
  return limit;
}

}  // namespace holdfast::metrics
