// What the memory checks cost: the CPU time of a thread that does nothing else, waking included, as a share
// of one core, at the interval of each level.
//   memory_overhead [SECONDS]
#include <time.h>

#include <cstdio>
#include <cstdlib>
#include <thread>

#include "holdfast/memory/watch.hpp"

using namespace holdfast;

namespace {

double thread_cpu_seconds() {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

}  // namespace

int main(int argc, char** argv) {
  const std::chrono::seconds seconds(argc > 1 ? std::atoi(argv[1]) : 5);
  std::printf("| check every | checks | CPU a check | share of a core |\n|---|---|---|---|\n");
  for (const int interval : {250, 100, 50}) {
    memory::WatchOptions options;
    options.interval = std::chrono::milliseconds(interval);
    memory::Pressure pressure;
    memory::Watch watch(
        options, {}, [] { return std::uint64_t{0}; }, pressure);
    const auto end = std::chrono::steady_clock::now() + seconds;
    const auto began = thread_cpu_seconds();
    int checks = 0;
    for (; std::chrono::steady_clock::now() < end; ++checks) {
      (void)watch.check(std::chrono::steady_clock::now());
      std::this_thread::sleep_for(options.interval);
    }
    const auto cpu = (thread_cpu_seconds() - began) / checks;
    std::printf("| %d ms | %d | %.0f µs | %.4f %% |\n", interval, checks, cpu * 1e6,
                cpu / (interval / 1e3) * 100);
  }
}
