// The least that group commit can cost: one thread that writes N records of 250 bytes over pre-written space
// with one call and syncs, again and again. A journal that serves N waiting clients cannot be faster than
// this on the same disk.
//   raw_group_commit DIRECTORY N SECONDS   prints records/s, p50 and p99 in µs, separated by spaces
// Both are as wrk has them, which counts with a stall those who would have come meanwhile (stats_correct() in
// its stats.c).
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr std::size_t kRecordBytes = 250, kFileBytes = 64u << 20;

// expected: between two of them.
void add_those_who_would_have_come(std::vector<double>& took, double expected) {
  const auto measured = took.size();
  for (std::size_t i = 0; i < measured; ++i) {
    if (took[i] < 2 * expected) continue;
    for (double later = took[i] - expected; later > expected; later -= expected) took.push_back(later);
  }
}

[[noreturn]] void fail(const char* what) {
  std::perror(what);
  std::exit(1);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: raw_group_commit DIRECTORY N SECONDS\n");
    return 2;
  }
  const auto path = std::string(argv[1]) + "/raw_group_commit";
  const auto group = static_cast<std::size_t>(std::max(1, std::atoi(argv[2])));
  const auto length = std::chrono::duration<double>(std::atof(argv[3]));
  const int file = open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC, 0600);
  if (file < 0) fail(path.c_str());
  const std::string zeros(1 << 20, '\0'), records(kRecordBytes * group, 'r');
  for (std::size_t at = 0; at < kFileBytes; at += zeros.size()) {
    if (pwrite(file, zeros.data(), zeros.size(), static_cast<off_t>(at)) < 0) fail("pwrite");
  }
  if (fsync(file) != 0) fail("fsync");
  std::vector<double> took;
  std::size_t at = 0;
  const auto began = SteadyClock::now();
  while (SteadyClock::now() - began < length) {
    const auto before = SteadyClock::now();
    if (pwrite(file, records.data(), records.size(), static_cast<off_t>(at)) < 0) fail("pwrite");
    if (fdatasync(file) != 0) fail("fdatasync");
    took.push_back(std::chrono::duration<double, std::micro>(SteadyClock::now() - before).count());
    at += records.size();
    if (at + records.size() > kFileBytes) at = 0;
  }
  const double seconds = std::chrono::duration<double>(SteadyClock::now() - began).count();
  unlink(path.c_str());
  if (took.empty()) return 1;
  const auto commits = static_cast<double>(took.size());
  add_those_who_would_have_come(took, seconds * 1e6 / commits);
  std::sort(took.begin(), took.end());
  std::printf("%.0f %.1f %.1f\n", commits * static_cast<double>(group) / seconds, took[took.size() / 2],
              took[took.size() * 99 / 100]);
}
