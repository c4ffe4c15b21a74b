#include "holdfast/base/cpus.hpp"

#include <sched.h>

#include <algorithm>
#include <fstream>
#include <string>
#include <string_view>
#include <thread>

namespace holdfast {
namespace {

namespace fs = std::filesystem;

double in_affinity_mask() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (::sched_getaffinity(0, sizeof(set), &set) == 0) return std::max(1, CPU_COUNT(&set));
  return std::max(1u, std::thread::hardware_concurrency());
}

// v2: "QUOTA PERIOD" or "max PERIOD" in one file; v1: a file each, and -1 is no quota.
double quota(const fs::path& group, bool v2, double otherwise) {
  double quota = 0, period = 0;
  if (v2) {
    std::ifstream(group / "cpu.max") >> quota >> period;
  } else {
    std::ifstream(group / "cpu.cfs_quota_us") >> quota;
    std::ifstream(group / "cpu.cfs_period_us") >> period;
  }
  return quota > 0 && period > 0 ? quota / period : otherwise;
}

double least_quota(const fs::path& root, std::string_view group, bool v2, double otherwise) {
  auto least = otherwise;
  for (auto relative = fs::path(group).relative_path();; relative = relative.parent_path()) {
    least = std::min(least, quota(root / relative, v2, otherwise));
    if (relative.empty()) return least;
  }
}

bool names_cpu(std::string_view controllers) {
  return ("," + std::string(controllers) + ",").find(",cpu,") != std::string::npos;
}

}  // namespace

double usable_cpus(const fs::path& proc, const fs::path& cgroups) {
  auto cpus = in_affinity_mask();
  // Lines "hierarchy:controllers:path"; v2's is "0::path".
  std::ifstream lines(proc / "self" / "cgroup");
  for (std::string line; std::getline(lines, line);) {
    const auto first = line.find(':');
    const auto second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const auto controllers = std::string_view(line).substr(first + 1, second - first - 1);
    const auto group = std::string_view(line).substr(second + 1);
    if (names_cpu(controllers)) cpus = least_quota(cgroups / "cpu", group, false, cpus);
    if (!controllers.empty()) continue;
    cpus = least_quota(cgroups, group, true, cpus);
    cpus = least_quota(cgroups / "unified", group, true, cpus);
  }
  return cpus;
}

}  // namespace holdfast
