// What the process and its machine use right now, read from the kernel. A source that cannot be read or makes
// no sense is left out (nullopt), never reported as 0. A reading opens about ten small files: some 100 µs, so
// it belongs on the monitor thread or in a scrape, not on a shard. Stateless; any thread.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace holdfast::metrics {

struct NamedDirectory {
  std::string name;  // a label value: "journal", "store"
  std::filesystem::path path;
};

struct UsageSources {
  std::filesystem::path proc = "/proc";
  std::filesystem::path cgroups = "/sys/fs/cgroup";
  std::vector<NamedDirectory> directories;  // whose file systems are reported
};

struct DiskUsage {
  std::string name;  // of the NamedDirectory
  std::uint64_t total_bytes = 0;
  std::uint64_t free_bytes = 0;  // to a process that is not root
};

struct ProcessUsage {
  std::optional<std::uint64_t> resident_bytes;
  std::optional<std::uint64_t> virtual_bytes;
  std::optional<double> user_cpu_seconds;         // all threads, since the process started
  std::optional<double> system_cpu_seconds;       // likewise
  std::optional<std::uint64_t> io_read_bytes;     // from block devices, since the process started
  std::optional<std::uint64_t> io_written_bytes;  // to block devices, likewise
  // Time the living threads have waited for block devices, summed. Only with delay accounting on in the
  // kernel (kernel.task_delayacct): without it the kernel says 0, which is left out here.
  std::optional<double> io_delay_seconds;
  std::optional<double> machine_io_wait_seconds;  // idle with I/O outstanding, summed over the machine's CPUs
  std::optional<double> machine_cpu_seconds;      // all states, idle too: what the line above is a share of
  std::optional<std::uint64_t> open_files;
  // The least of the machine's RAM, the memory limits of our cgroup and its ancestors, and RLIMIT_AS.
  std::optional<std::uint64_t> memory_limit_bytes;
  std::vector<DiskUsage> disks;  // of the directories that could be read

  std::optional<double> cpu_seconds() const;  // user + system
};

ProcessUsage read_process_usage(const UsageSources& sources);

}  // namespace holdfast::metrics
