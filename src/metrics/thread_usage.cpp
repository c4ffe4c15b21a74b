#include "holdfast/metrics/thread_usage.hpp"

#include <time.h>

#include <charconv>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>

namespace holdfast::metrics {
namespace {

namespace fs = std::filesystem;

ThreadClass class_of(std::string_view name) {
  if (name.starts_with("shard-")) return ThreadClass::shard;
  if (name == "journal") return ThreadClass::journal;
  if (name.starts_with("flush-")) return ThreadClass::flush;
  if (name.starts_with("store-") || name.starts_with("compute-")) return ThreadClass::pool;
  return ThreadClass::other;
}

template <class Number>
std::optional<Number> parse(std::string_view text) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

// What pthread_getcpuclockid() gives for a thread of this process, here from its id: the kernel's numbers for
// "per thread" (4) and "scheduler's clock" (2).
std::optional<std::uint64_t> cpu_ns(int thread) {
  const auto clock = static_cast<clockid_t>((~static_cast<unsigned>(thread) << 3) | 6u);
  timespec spent{};
  if (::clock_gettime(clock, &spent) != 0) return std::nullopt;
  return static_cast<std::uint64_t>(spent.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(spent.tv_nsec);
}

}  // namespace

std::string_view to_string(ThreadClass label) {
  constexpr std::string_view kNames[] = {"shard", "journal", "flush", "pool", "other"};
  const auto index = static_cast<std::size_t>(label);
  return index < std::size(kNames) ? kNames[index] : "unknown";
}

ThreadUsage read_thread_usage() {
  ThreadUsage usage;
  std::error_code failed;
  for (fs::directory_iterator entry("/proc/self/task", failed), end; !failed && entry != end;
       entry.increment(failed)) {
    const auto thread = parse<int>(entry->path().filename().string());
    std::ifstream in(entry->path() / "comm");
    std::string name;
    if (!thread || !std::getline(in, name)) continue;
    const auto spent = cpu_ns(*thread);
    if (!spent) continue;
    const auto label = class_of(name);
    auto& sum = usage.classes[label];
    ++sum.threads;
    sum.cpu_ns += *spent;
    if (label != ThreadClass::shard) continue;
    const auto shard = parse<std::size_t>(std::string_view(name).substr(name.find('-') + 1));
    if (!shard || *shard >= 64) continue;
    if (usage.shard_cpu_ns.size() <= *shard) usage.shard_cpu_ns.resize(*shard + 1);
    usage.shard_cpu_ns[*shard] = *spent;
  }
  return usage;
}

}  // namespace holdfast::metrics
