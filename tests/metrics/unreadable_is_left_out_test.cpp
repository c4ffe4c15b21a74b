#include <gtest/gtest.h>
#include <unistd.h>

#include <string>

#include "fakes/temporary_directory.hpp"
#include "holdfast/metrics/process_usage.hpp"

namespace holdfast::metrics {
namespace {

constexpr std::uint64_t kMiB = 1024 * 1024;

// A /proc and a /sys/fs/cgroup of our own.
class ProcessUsageTest : public testing::Test {
 protected:
  ProcessUsage read() const { return read_process_usage(sources()); }
  UsageSources sources() const { return {root_.path() / "proc", root_.path() / "cgroup", {}}; }
  double tick() const { return 1.0 / static_cast<double>(::sysconf(_SC_CLK_TCK)); }

  // A stat line: the program's name, then fields 3…44 of zeros but for those given.
  static std::string stat(const std::string& name, int user, int system, int io_delay) {
    std::string line = "42 (" + name + ") S";
    for (int field = 4; field <= 44; ++field) {
      const int value = field == 14 ? user : field == 15 ? system : field == 42 ? io_delay : 0;
      line += " " + std::to_string(value);
    }
    return line + "\n";
  }

  TemporaryDirectory root_;
};

TEST_F(ProcessUsageTest, NothingReadableIsNothingReported) {
  const auto usage = read();
  EXPECT_FALSE(usage.resident_bytes);
  EXPECT_FALSE(usage.virtual_bytes);
  EXPECT_FALSE(usage.user_cpu_seconds);
  EXPECT_FALSE(usage.cpu_seconds());
  EXPECT_FALSE(usage.io_read_bytes);
  EXPECT_FALSE(usage.io_delay_seconds);
  EXPECT_FALSE(usage.machine_cpu_seconds);
  EXPECT_FALSE(usage.machine_io_wait_seconds);
  EXPECT_FALSE(usage.open_files);
  EXPECT_FALSE(usage.memory_limit_bytes);
  EXPECT_TRUE(usage.disks.empty());
}

TEST_F(ProcessUsageTest, BrokenFilesAreLeftOutToo) {
  root_.write("proc/self/statm", "not numbers");
  root_.write("proc/self/stat", "42 (no end");
  root_.write("proc/stat", "cpu  0 0 0 0 0 0 0 0\n");
  root_.write("proc/meminfo", "MemTotal: some\n");
  const auto usage = read();
  EXPECT_FALSE(usage.resident_bytes);
  EXPECT_FALSE(usage.cpu_seconds());
  EXPECT_FALSE(usage.machine_cpu_seconds);
  EXPECT_FALSE(usage.memory_limit_bytes);
}

TEST_F(ProcessUsageTest, ReadsMemoryInPages) {
  root_.write("proc/self/statm", "300 200 100 1 0 50 0\n");
  const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  EXPECT_EQ(read().virtual_bytes, 300 * page);
  EXPECT_EQ(read().resident_bytes, 200 * page);
}

TEST_F(ProcessUsageTest, ReadsCpuBehindAnyProgramName) {
  root_.write("proc/self/stat", stat("hold) R 9 (fast", 250, 50, 0));
  const auto usage = read();
  ASSERT_TRUE(usage.user_cpu_seconds && usage.system_cpu_seconds);
  EXPECT_DOUBLE_EQ(*usage.user_cpu_seconds, 250 * tick());
  EXPECT_DOUBLE_EQ(*usage.system_cpu_seconds, 50 * tick());
  EXPECT_DOUBLE_EQ(*usage.cpu_seconds(), 300 * tick());
}

TEST_F(ProcessUsageTest, ReadsBytesOfBlockDevicesNotOfSystemCalls) {
  root_.write("proc/self/io",
              "rchar: 1\nwchar: 2\nsyscr: 3\nsyscw: 4\nread_bytes: 4096\nwrite_bytes: 8192\n");
  EXPECT_EQ(read().io_read_bytes, 4096u);
  EXPECT_EQ(read().io_written_bytes, 8192u);
}

TEST_F(ProcessUsageTest, SumsTheIoDelayOfAllThreads) {
  root_.write("proc/sys/kernel/task_delayacct", "1\n");
  root_.write("proc/self/task/10/stat", stat("main", 0, 0, 3));
  root_.write("proc/self/task/11/stat", stat("journal", 0, 0, 40));
  ASSERT_TRUE(read().io_delay_seconds);
  EXPECT_DOUBLE_EQ(*read().io_delay_seconds, 43 * tick());
}

TEST_F(ProcessUsageTest, LeavesOutTheIoDelayThatTheKernelDoesNotCount) {
  root_.write("proc/sys/kernel/task_delayacct", "0\n");
  root_.write("proc/self/task/10/stat", stat("main", 0, 0, 0));
  EXPECT_FALSE(read().io_delay_seconds);
}

TEST_F(ProcessUsageTest, ReadsTheIoWaitOfTheMachineWithoutCountingGuestsTwice) {
  root_.write("proc/stat", "cpu  100 0 50 800 50 0 0 0 30 30\ncpu0 1 1 1 1 1 1 1 1 1 1\n");
  const auto usage = read();
  ASSERT_TRUE(usage.machine_cpu_seconds && usage.machine_io_wait_seconds);
  EXPECT_DOUBLE_EQ(*usage.machine_cpu_seconds, 1000 * tick());
  EXPECT_DOUBLE_EQ(*usage.machine_io_wait_seconds, 50 * tick());
}

TEST_F(ProcessUsageTest, TheMemoryLimitIsRamWithoutACgroup) {
  root_.write("proc/meminfo", "MemFree: 5 kB\nMemTotal:  2048 kB\n");
  EXPECT_EQ(read().memory_limit_bytes, 2 * kMiB);
}

TEST_F(ProcessUsageTest, ADirectoryThatIsNotThereHasNoDiskUsage) {
  auto with_directories = sources();
  with_directories.directories = {{"journal", root_.path()}, {"store", root_.path() / "missing"}};
  const auto disks = read_process_usage(with_directories).disks;
  ASSERT_EQ(disks.size(), 1u);
  EXPECT_EQ(disks[0].name, "journal");
  EXPECT_GT(disks[0].total_bytes, 0u);
  EXPECT_LE(disks[0].free_bytes, disks[0].total_bytes);
}

TEST(ProcessUsageOfThisProcess, IsPlausible) {
  const auto usage = read_process_usage({});
  ASSERT_TRUE(usage.resident_bytes && usage.virtual_bytes && usage.cpu_seconds() && usage.open_files);
  EXPECT_GT(*usage.resident_bytes, 100'000u);
  EXPECT_GE(*usage.virtual_bytes, *usage.resident_bytes);
  EXPECT_GE(*usage.open_files, 3u);
  ASSERT_TRUE(usage.memory_limit_bytes);
  EXPECT_GT(*usage.memory_limit_bytes, *usage.resident_bytes);
}

}  // namespace
}  // namespace holdfast::metrics
