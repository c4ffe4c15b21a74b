#include "process_usage.hpp"

#include <sys/utsname.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <thread>

namespace loadtest {
namespace {

std::string cpu_name() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("model name")) return line.substr(line.find(": ") + 2);
  }
  return "unknown";
}

// The type of the mount with the longest path that holds `data`.
std::string filesystem_of(const std::filesystem::path& data) {
  const auto wanted = std::filesystem::weakly_canonical(data).string() + "/";
  std::ifstream file("/proc/mounts");
  std::string best_path, best_type = "unknown";
  for (std::string line; std::getline(file, line);) {
    std::istringstream fields(line);
    std::string device, path, type;
    fields >> device >> path >> type;
    const auto folder = path == "/" ? path : path + "/";
    if (wanted.starts_with(folder) && path.size() >= best_path.size()) best_path = path, best_type = type;
  }
  return best_type;
}

}  // namespace

std::optional<ProcessUsage> read_usage(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string stat{std::istreambuf_iterator<char>(file), {}};
  // Fields are counted after the program's name, which may hold anything: the next is field 3.
  const auto name_end = stat.rfind(')');
  if (name_end == std::string::npos) return std::nullopt;
  std::istringstream fields(stat.substr(name_end + 1));
  std::vector<std::string> values{std::istream_iterator<std::string>(fields), {}};
  constexpr std::size_t kUserTicks = 14 - 3, kSystemTicks = 15 - 3, kResidentPages = 24 - 3;
  if (values.size() <= kResidentPages) return std::nullopt;
  const double ticks = std::stod(values[kUserTicks]) + std::stod(values[kSystemTicks]);
  const double pages = std::stod(values[kResidentPages]);
  return ProcessUsage{pages * static_cast<double>(sysconf(_SC_PAGESIZE)) / (1 << 20),
                      ticks / static_cast<double>(sysconf(_SC_CLK_TCK))};
}

nlohmann::json describe_machine(const std::filesystem::path& data) {
  utsname kernel{};
  uname(&kernel);
  double load_average = 0;
  getloadavg(&load_average, 1);
  return {{"cpu", cpu_name()},
          {"cores", std::thread::hardware_concurrency()},
          {"memory_mb", sysconf(_SC_PHYS_PAGES) * (sysconf(_SC_PAGESIZE) / 1024) / 1024},
          {"kernel", std::string(kernel.sysname) + " " + kernel.release},
          {"filesystem", filesystem_of(data)},
          {"load_average", load_average}};
}

}  // namespace loadtest
