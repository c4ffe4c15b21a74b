#include "holdfast/metrics/process_usage.hpp"

#include <sys/statvfs.h>
#include <unistd.h>

#include <fstream>
#include <iterator>
#include <sstream>
#include <system_error>

#include "holdfast/memory/readings.hpp"

namespace holdfast::metrics {

namespace {

namespace fs = std::filesystem;

double ticks_to_seconds(std::uint64_t ticks) {
  static const double per_second = static_cast<double>(::sysconf(_SC_CLK_TCK));
  return static_cast<double>(ticks) / per_second;
}

// Empty when unreadable.
std::vector<fs::path> list(const fs::path& directory) {
  std::vector<fs::path> entries;
  std::error_code failed;
  for (fs::directory_iterator at(directory, failed), end; !failed && at != end; at.increment(failed)) {
    entries.push_back(at->path());
  }
  return entries;
}

void read_memory(const fs::path& statm, ProcessUsage& usage) {
  const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  std::ifstream in(statm);
  std::uint64_t virtual_pages = 0, resident_pages = 0;
  if (!(in >> virtual_pages >> resident_pages)) return;
  usage.virtual_bytes = virtual_pages * page;
  usage.resident_bytes = resident_pages * page;
}

// Fields of a stat file from the third on, as strings; the second, the program's name, may hold anything and
// ends at the last ')'. Empty when unreadable. proc(5) counts from 1: its field n is [n - 3].
std::vector<std::string> read_stat_fields(const fs::path& stat) {
  std::ifstream in(stat);
  std::string text;
  if (!std::getline(in, text, '\0')) return {};
  const auto name_end = text.rfind(')');
  if (name_end == std::string::npos) return {};
  std::istringstream rest(text.substr(name_end + 1));
  return {std::istream_iterator<std::string>(rest), {}};
}

std::optional<std::uint64_t> field(const std::vector<std::string>& fields, std::size_t number) {
  if (fields.size() <= number - 3) return std::nullopt;
  std::istringstream text(fields[number - 3]);
  std::uint64_t value = 0;
  return text >> value ? std::optional(value) : std::nullopt;
}

void read_cpu(const fs::path& stat, ProcessUsage& usage) {
  const auto fields = read_stat_fields(stat);
  if (const auto user = field(fields, 14)) usage.user_cpu_seconds = ticks_to_seconds(*user);
  if (const auto system = field(fields, 15)) usage.system_cpu_seconds = ticks_to_seconds(*system);
}

// Field 42 of self/stat covers the first thread alone, which does no I/O: so all threads' are summed. Kernels
// before 5.14 have no switch and count always.
void read_io_delay(const fs::path& proc, ProcessUsage& usage) {
  std::ifstream accounting_switch(proc / "sys" / "kernel" / "task_delayacct");
  if (int on = 1; accounting_switch >> on && on == 0) return;
  for (const auto& thread : list(proc / "self" / "task")) {
    const auto ticks = field(read_stat_fields(thread / "stat"), 42);
    if (ticks) usage.io_delay_seconds = usage.io_delay_seconds.value_or(0.0) + ticks_to_seconds(*ticks);
  }
}

void read_io_bytes(const fs::path& io, ProcessUsage& usage) {
  std::ifstream in(io);
  std::string key;
  for (std::uint64_t value = 0; in >> key >> value;) {
    if (key == "read_bytes:") usage.io_read_bytes = value;
    if (key == "write_bytes:") usage.io_written_bytes = value;
  }
}

// First line of /proc/stat: "cpu  user nice system idle iowait irq softirq steal guest guest_nice" in ticks;
// guest time is part of user and nice already.
void read_machine_cpu(const fs::path& stat, ProcessUsage& usage) {
  std::ifstream in(stat);
  std::string label;
  if (!(in >> label) || label != "cpu") return;
  std::uint64_t total = 0, io_wait = 0, ticks = 0;
  int states = 0;
  for (; states < 8 && in >> ticks; ++states) {
    total += ticks;
    if (states == 4) io_wait = ticks;
  }
  if (states < 5 || total == 0) return;
  usage.machine_cpu_seconds = ticks_to_seconds(total);
  usage.machine_io_wait_seconds = ticks_to_seconds(io_wait);
}

void read_open_files(const fs::path& directory, ProcessUsage& usage) {
  const auto listed = list(directory).size();
  if (listed > 0) usage.open_files = listed - 1;  // one of them is the listing itself
}

void read_disks(const std::vector<NamedDirectory>& directories, ProcessUsage& usage) {
  for (const auto& directory : directories) {
    struct statvfs disk {};
    if (::statvfs(directory.path.c_str(), &disk) != 0) continue;
    const auto block = static_cast<std::uint64_t>(disk.f_frsize);
    usage.disks.push_back({directory.name, disk.f_blocks * block, disk.f_bavail * block});
  }
}

}  // namespace

std::optional<double> ProcessUsage::cpu_seconds() const {
  if (!user_cpu_seconds || !system_cpu_seconds) return std::nullopt;
  return *user_cpu_seconds + *system_cpu_seconds;
}

ProcessUsage read_process_usage(const UsageSources& sources) {
  const auto self = sources.proc / "self";
  ProcessUsage usage;
  read_memory(self / "statm", usage);
  read_cpu(self / "stat", usage);
  read_io_delay(sources.proc, usage);
  read_io_bytes(self / "io", usage);
  read_machine_cpu(sources.proc / "stat", usage);
  read_open_files(self / "fd", usage);
  usage.memory_limit_bytes = memory::read_memory_limit({sources.proc, sources.cgroups});
  read_disks(sources.directories, usage);
  return usage;
}

}  // namespace holdfast::metrics
