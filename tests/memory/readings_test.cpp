#include "holdfast/memory/readings.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <string>

#include "fakes/temporary_directory.hpp"

namespace holdfast::memory {
namespace {

constexpr std::uint64_t kMiB = 1024 * 1024;

// A /proc and a /sys/fs/cgroup of our own.
class ReadingsTest : public testing::Test {
 protected:
  Readings read() { return Reader({root_.path() / "proc", root_.path() / "cgroup"}).read(); }
  void write(const std::string& file, const std::string& text) { root_.write(file, text); }
  void write(const std::string& file, std::uint64_t bytes) {
    root_.write(file, std::to_string(bytes) + "\n");
  }
  void write_machine(std::uint64_t ram, std::uint64_t available) {
    write("proc/meminfo", "MemTotal:  " + std::to_string(ram / 1024) + " kB\nMemFree: 1 kB\nMemAvailable: " +
                              std::to_string(available / 1024) + " kB\n");
  }
  TemporaryDirectory root_;
};

TEST_F(ReadingsTest, NothingReadableIsNothingReportedAndNamed) {
  const auto readings = read();
  EXPECT_FALSE(readings.resident_bytes);
  EXPECT_FALSE(readings.ram_available_bytes);
  EXPECT_FALSE(readings.stalled_some);
  EXPECT_FALSE(readings.cgroup);
  EXPECT_FALSE(readings.available_bytes());
  EXPECT_EQ(readings.unreadable.size(), 3u);
  EXPECT_THAT(readings.unreadable, testing::Contains(testing::EndsWith("proc/self/statm")));
}

TEST_F(ReadingsTest, BrokenFilesAreLeftOutToo) {
  write("proc/self/statm", "not numbers");
  write("proc/meminfo", "MemTotal: some\nMemAvailable: -4 kB\n");
  write("proc/pressure/memory", "some avg10=lots\n");
  const auto readings = read();
  EXPECT_FALSE(readings.resident_bytes);
  EXPECT_FALSE(readings.ram_bytes);
  EXPECT_FALSE(readings.stalled_some);
  EXPECT_EQ(readings.unreadable.size(), 3u);
}

TEST_F(ReadingsTest, ReadsProcessMachineAndPressure) {
  write("proc/self/statm", "300 200 100 1 0 50 0\n");
  write_machine(2048 * kMiB, 1000 * kMiB);
  write("proc/pressure/memory",
        "some avg10=1.50 avg60=0.00 avg300=0.00 total=0\nfull avg10=0.25 avg60=0.00 avg300=0.00 total=0\n");
  const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  const auto readings = read();
  EXPECT_EQ(readings.virtual_bytes, 300 * page);
  EXPECT_EQ(readings.resident_bytes, 200 * page);
  EXPECT_EQ(readings.ram_bytes, 2048 * kMiB);
  EXPECT_EQ(readings.available_bytes(), 1000 * kMiB);
  EXPECT_EQ(readings.limit_bytes, 2048 * kMiB);
  EXPECT_EQ(readings.limit_origin, "the machine's RAM");
  EXPECT_DOUBLE_EQ(readings.stalled_some.value_or(-1), 0.015);
  EXPECT_DOUBLE_EQ(readings.stalled_full.value_or(-1), 0.0025);
  EXPECT_TRUE(readings.unreadable.empty());
}

TEST_F(ReadingsTest, AnAncestorsLimitBinds) {
  write_machine(1024 * kMiB, 900 * kMiB);
  write("proc/self/cgroup", "0::/pod/container\n");
  write("cgroup/pod/container/memory.max", "max\n");
  write("cgroup/pod/memory.max", 64 * kMiB);
  write("cgroup/pod/memory.current", 60 * kMiB);
  write("cgroup/pod/memory.stat", "anon 5\ninactive_file " + std::to_string(20 * kMiB) + "\n");
  auto readings = read();
  EXPECT_EQ(readings.limit_bytes, 64 * kMiB);
  EXPECT_EQ(readings.limit_origin, "memory.max of cgroup /pod");
  ASSERT_TRUE(readings.cgroup);
  EXPECT_EQ(readings.cgroup->working_set_bytes, 40 * kMiB);  // the page cache raises no alarm
  const auto mib = [](std::uint64_t number) { return std::to_string(number * kMiB) + "\n"; };
  write("cgroup/pod/memory.stat", "inactive_file " + mib(20) + "active_file " + mib(16) + "file_dirty " +
                                      mib(3) + "file_writeback " + mib(1));
  EXPECT_EQ(read().cgroup->working_set_bytes, 28 * kMiB)
      << "active or not, but for what is not on the disk yet";
  write("cgroup/pod/memory.stat", "inactive_file " + mib(20));
  EXPECT_EQ(readings.available_bytes(), 24 * kMiB);
  write("cgroup/pod/container/memory.high", 32 * kMiB);
  write("cgroup/pod/container/memory.current", 8 * kMiB);
  readings = read();
  EXPECT_EQ(readings.limit_bytes, 32 * kMiB);
  EXPECT_EQ(readings.limit_origin, "memory.high of cgroup /pod/container");
  EXPECT_EQ(readings.cgroup->name, "/pod");  // used up further
}

TEST_F(ReadingsTest, AV1LimitBindsAndAnUnlimitedOneDoesNot) {
  write_machine(1024 * kMiB, 900 * kMiB);
  write("proc/self/cgroup", "4:memory:/job\n3:cpu:/job\n0::/\n");
  write("cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
  EXPECT_EQ(read().limit_bytes, 1024 * kMiB);
  write("cgroup/memory/job/memory.limit_in_bytes", 16 * kMiB);
  write("cgroup/memory/job/memory.usage_in_bytes", 12 * kMiB);
  write("cgroup/memory/job/memory.stat",
        "inactive_file 1\ntotal_inactive_file " + std::to_string(4 * kMiB) + "\n");
  write("cgroup/memory/job/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n");
  const auto readings = read();
  EXPECT_EQ(readings.limit_bytes, 16 * kMiB);
  ASSERT_TRUE(readings.cgroup);
  EXPECT_EQ(readings.cgroup->working_set_bytes, 8 * kMiB);
  EXPECT_EQ(readings.oom_kills, 3u);
  write("cgroup/memory/job/memory.stat", "active_file 1\ntotal_active_file " + std::to_string(4 * kMiB) +
                                             "\ntotal_dirty " + std::to_string(kMiB) + "\ntotal_writeback " +
                                             std::to_string(kMiB) + "\n");
  EXPECT_EQ(read().cgroup->working_set_bytes, 10 * kMiB);
}

TEST_F(ReadingsTest, AGroupOfAnotherNamespaceFallsBackToTheMountedRoot) {
  write("proc/self/cgroup", "0::/../../somewhere/else\n");
  write("cgroup/memory.max", 8 * kMiB);
  EXPECT_EQ(read().limit_bytes, 8 * kMiB);
}

TEST_F(ReadingsTest, AUsageThatCannotBeReadIsNamed) {
  write("proc/self/cgroup", "0::/pod\n");
  write("cgroup/pod/memory.max", 8 * kMiB);
  const auto readings = read();
  EXPECT_FALSE(readings.cgroup);
  EXPECT_THAT(readings.unreadable, testing::Contains("usage of cgroup /pod"));
}

TEST_F(ReadingsTest, CountsWhatHappenedInItsOwnGroupOnly) {
  write("proc/self/cgroup", "0::/pod/own\n");
  write("cgroup/pod/own/memory.max", "max\n");
  write("cgroup/pod/own/memory.events", "low 0\nhigh 4\nmax 7\noom 1\noom_kill 2\n");
  write("cgroup/pod/memory.max", "max\n");
  write("cgroup/pod/memory.events", "low 0\nhigh 0\nmax 100\noom 0\noom_kill 50\n");
  const auto readings = read();
  EXPECT_EQ(readings.limit_hits, 7u);
  EXPECT_EQ(readings.oom_kills, 2u);
}

TEST_F(ReadingsTest, AnOpenFileShowsWhatIsInItNow) {
  write("proc/self/statm", "300 200 0 0 0 0 0\n");
  Reader reader({root_.path() / "proc", root_.path() / "cgroup"});
  const auto before = reader.read().resident_bytes;
  write("proc/self/statm", "300 100 0 0 0 0 0\n");
  EXPECT_EQ(reader.read().resident_bytes.value_or(0) * 2, before.value_or(1));
}

TEST(ReadingsOfThisProcess, ArePlausible) {
  const auto readings = Reader({}).read();
  ASSERT_TRUE(readings.resident_bytes && readings.virtual_bytes && readings.limit_bytes);
  EXPECT_GT(*readings.resident_bytes, 100'000u);
  EXPECT_GE(*readings.virtual_bytes, *readings.resident_bytes);
  EXPECT_GT(*readings.limit_bytes, *readings.resident_bytes);
  EXPECT_FALSE(readings.limit_origin.empty());
}

}  // namespace
}  // namespace holdfast::memory
