#include "holdfast/base/cpus.hpp"

#include <sched.h>

#include <algorithm>
#include <fstream>
#include <thread>

#include "holdfast/base/cgroups.hpp"

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

}  // namespace

double usable_cpus(const fs::path& proc, const fs::path& cgroups) {
  const auto in_mask = in_affinity_mask();
  auto cpus = in_mask;
  for (const auto& [root, own, v2] : cgroups_of("cpu", proc, cgroups)) {
    for (auto name = own;; name = name.parent_path()) {
      cpus = std::min(cpus, quota(root / name, v2, in_mask));
      if (name.empty()) break;
    }
  }
  return cpus;
}

}  // namespace holdfast
