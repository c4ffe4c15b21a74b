#include "holdfast/memory/readings.hpp"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "holdfast/base/cgroups.hpp"

namespace holdfast::memory {
namespace {

namespace fs = std::filesystem;
using Number = std::optional<std::uint64_t>;

constexpr std::size_t kMostBytes = 16u << 10;
constexpr std::uint64_t kUnlimited = 1ull << 62;  // v1 says so with a number close to 2^63

std::string_view next_word(std::string_view& text) {
  const auto begin = text.find_first_not_of(" \t\n");
  if (begin == std::string_view::npos) return text = {};
  text.remove_prefix(begin);
  const auto word = text.substr(0, text.find_first_of(" \t\n"));
  text.remove_prefix(word.size());
  return word;
}

Number to_number(std::string_view word) {
  std::uint64_t value = 0;
  const auto [end, failed] = std::from_chars(word.data(), word.data() + word.size(), value);
  return failed == std::errc() && end == word.data() + word.size() ? Number(value) : std::nullopt;
}

Number first_number(std::string_view text) {
  return to_number(next_word(text));
}

// The number behind the line's first word `key`.
Number number_of(std::string_view text, std::string_view key) {
  while (!text.empty()) {
    auto line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    if (next_word(line) == key) return first_number(line);
  }
  return std::nullopt;
}

Number in_bytes(Number kib) {
  return kib ? Number(*kib * 1024) : std::nullopt;
}

// "max" and anything else that is no number is no limit.
Number limit_of(std::string_view text) {
  const auto bytes = first_number(text);
  return bytes && *bytes < kUnlimited ? bytes : std::nullopt;
}

// Of PSI's "some avg10=1.50 avg60=… total=…", as a share.
std::optional<double> stalled(std::string_view text, std::string_view kind) {
  constexpr std::string_view kField = "avg10=";
  while (!text.empty()) {
    auto line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    if (next_word(line) != kind) continue;
    const auto field = next_word(line);
    if (!field.starts_with(kField)) return std::nullopt;
    double percent = 0;
    const auto* begin = field.data() + kField.size();
    const auto [end, failed] = std::from_chars(begin, field.data() + field.size(), percent);
    return failed == std::errc() ? std::optional(percent / 100) : std::nullopt;
  }
  return std::nullopt;
}

// What the kernel drops when it needs room: of a journal and a store about half of it counts as active. What
// is not yet on the disk must wait for that; where it is not told how much that is, only the inactive counts.
std::uint64_t clean_page_cache(std::string_view stat, bool v2) {
  const auto read = [&](std::string_view key_v2, std::string_view key_v1) {
    return number_of(stat, v2 ? key_v2 : key_v1);
  };
  const auto inactive = read("inactive_file", "total_inactive_file").value_or(0);
  const auto active = read("active_file", "total_active_file");
  const auto dirty = read("file_dirty", "total_dirty"), writeback = read("file_writeback", "total_writeback");
  if (!active || !dirty || !writeback) return inactive;
  return inactive + *active - std::min(inactive + *active, *dirty + *writeback);
}

void keep_least(Number& least, Number value) {
  if (value) least = least ? std::min(*least, *value) : *value;
}

void bound(Readings& readings, std::uint64_t limit, std::string origin) {
  if (readings.limit_bytes && *readings.limit_bytes <= limit) return;
  readings.limit_bytes = limit;
  readings.limit_origin = std::move(origin);
}

}  // namespace

std::optional<std::uint64_t> Readings::available_bytes() const {
  auto least = ram_available_bytes;
  keep_least(least, cgroup_room_bytes);
  if (address_space_limit_bytes && virtual_bytes) {
    keep_least(least, *address_space_limit_bytes - std::min(*address_space_limit_bytes, *virtual_bytes));
  }
  return least;
}

KeptFile::KeptFile(fs::path path)
    : path_(std::move(path)), descriptor_(::open(path_.c_str(), O_RDONLY | O_CLOEXEC)) {}

KeptFile::KeptFile(KeptFile&& other) noexcept
    : path_(std::move(other.path_)), descriptor_(std::exchange(other.descriptor_, -1)) {}

KeptFile::~KeptFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

std::string_view KeptFile::read(std::string& buffer) const {
  if (descriptor_ < 0) return {};
  buffer.resize(kMostBytes);
  const auto got = ::pread(descriptor_, buffer.data(), buffer.size(), 0);
  return got > 0 ? std::string_view(buffer).substr(0, static_cast<std::size_t>(got)) : std::string_view();
}

Reader::Reader(const Sources& sources)
    : statm_(sources.proc / "self" / "statm"),
      meminfo_(sources.proc / "meminfo"),
      pressure_(sources.proc / "pressure" / "memory") {
  for (const auto& [root, own, v2] : cgroups_of("memory", sources.proc, sources.cgroups)) {
    for (auto name = own;; name = name.parent_path()) {
      const auto folder = root / name;
      Group group{"/" + name.string(),
                  v2,
                  name == own,
                  KeptFile(folder / (v2 ? "memory.max" : "memory.limit_in_bytes")),
                  KeptFile(folder / "memory.high"),
                  KeptFile(folder / (v2 ? "memory.current" : "memory.usage_in_bytes")),
                  KeptFile(folder / "memory.stat"),
                  KeptFile(folder / (v2 ? "memory.events" : "memory.oom_control"))};
      if (group.limit.is_open() || group.high.is_open()) groups_.push_back(std::move(group));
      if (name.empty()) break;
    }
  }
}

void Reader::read_groups(Readings& readings) {
  double worst = -1;
  for (const auto& group : groups_) {
    const auto max = limit_of(group.limit.read(buffer_));
    auto limit = max;
    keep_least(limit, limit_of(group.high.read(buffer_)));
    if (group.own) {
      const auto events = group.events.read(buffer_);
      readings.oom_kills = number_of(events, "oom_kill");
      if (group.v2) readings.limit_hits = number_of(events, "max");
    }
    if (!limit) continue;
    const auto* file = limit == max ? &group.limit : &group.high;
    bound(readings, *limit, file->path().filename().string() + " of cgroup " + group.name);
    const auto used = first_number(group.usage.read(buffer_));
    if (!used) {
      readings.unreadable.push_back("usage of cgroup " + group.name);
      continue;
    }
    // Without it everything counts as in use, which errs to the safe side.
    const auto droppable = clean_page_cache(group.stat.read(buffer_), group.v2);
    const auto working_set = *used - std::min(*used, droppable);
    keep_least(readings.cgroup_room_bytes, *limit - std::min(*limit, working_set));
    const auto share =
        static_cast<double>(working_set) / static_cast<double>(std::max<std::uint64_t>(1, *limit));
    if (share > worst) {
      worst = share;
      readings.cgroup = CgroupReading{group.name, *limit, working_set};
    }
  }
}

Readings Reader::read() {
  static const auto kPage = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  Readings readings;
  auto statm = statm_.read(buffer_);
  const auto virtual_pages = to_number(next_word(statm)), resident_pages = to_number(next_word(statm));
  if (virtual_pages && resident_pages) {
    readings.virtual_bytes = *virtual_pages * kPage;
    readings.resident_bytes = *resident_pages * kPage;
  } else {
    readings.unreadable.push_back(statm_.path());
  }
  const auto meminfo = meminfo_.read(buffer_);
  readings.ram_bytes = in_bytes(number_of(meminfo, "MemTotal:"));
  readings.ram_available_bytes = in_bytes(number_of(meminfo, "MemAvailable:"));
  if (!readings.ram_bytes || !readings.ram_available_bytes) readings.unreadable.push_back(meminfo_.path());
  const auto pressure = pressure_.read(buffer_);
  readings.stalled_some = stalled(pressure, "some");
  readings.stalled_full = stalled(pressure, "full");
  if (!readings.stalled_some) readings.unreadable.push_back(pressure_.path());
  if (readings.ram_bytes) bound(readings, *readings.ram_bytes, "the machine's RAM");
  read_groups(readings);
  if (rlimit limit{}; ::getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY) {
    readings.address_space_limit_bytes = limit.rlim_cur;
    bound(readings, limit.rlim_cur, "RLIMIT_AS");
  }
  return readings;
}

std::optional<std::uint64_t> read_memory_limit(const Sources& sources) {
  return Reader(sources).read().limit_bytes;
}

}  // namespace holdfast::memory
