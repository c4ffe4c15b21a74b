// The CPUs that a process may use, as its mask and the files of its cgroups say.
#include "holdfast/base/cpus.hpp"

#include <gtest/gtest.h>
#include <sched.h>

#include "fakes/temporary_directory.hpp"

namespace holdfast {
namespace {

struct UsableCpus : testing::Test {
  TemporaryDirectory root;

  double cpus() { return usable_cpus(root.path() / "proc", root.path() / "cgroup"); }
  static double mask() {
    cpu_set_t set;
    CPU_ZERO(&set);
    EXPECT_EQ(::sched_getaffinity(0, sizeof(set), &set), 0);
    return CPU_COUNT(&set);
  }
};

TEST_F(UsableCpus, AreThoseOfTheMaskWhereNothingElseBinds) {
  EXPECT_EQ(cpus(), mask());
  root.write("proc/self/cgroup", "0::/pod/box\n");
  root.write("cgroup/pod/box/cpu.max", "max 100000\n");
  EXPECT_EQ(cpus(), mask());
  root.write("cgroup/pod/box/cpu.max", "99900000 100000\n");
  EXPECT_EQ(cpus(), mask()) << "a quota above what there is";
}

TEST_F(UsableCpus, TheLeastQuotaOfAllAncestorsBinds) {
  root.write("proc/self/cgroup", "0::/pod/box\n");
  root.write("cgroup/pod/box/cpu.max", "50000 100000\n");
  EXPECT_EQ(cpus(), 0.5);
  root.write("cgroup/pod/cpu.max", "25000 100000\n");
  EXPECT_EQ(cpus(), 0.25);
}

TEST_F(UsableCpus, TheFirstVersionOfCgroupsHasAFileForEach) {
  root.write("proc/self/cgroup", "4:cpu,cpuacct:/box\n3:cpuset:/\n");
  root.write("cgroup/cpu/box/cpu.cfs_quota_us", "-1\n");
  root.write("cgroup/cpu/box/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(cpus(), mask());
  root.write("cgroup/cpu/box/cpu.cfs_quota_us", "75000\n");
  EXPECT_EQ(cpus(), 0.75);
}

}  // namespace
}  // namespace holdfast
