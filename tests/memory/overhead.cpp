// What the memory monitor costs: its thread's own CPU time as a share of one core, at the interval of each
// level.
//   overhead [SECONDS]
#include <cstdio>
#include <cstdlib>
#include <thread>

#include "holdfast/memory/monitor.hpp"

using namespace holdfast;

int main(int argc, char** argv) {
  const std::chrono::seconds seconds(argc > 1 ? std::atoi(argv[1]) : 5);
  std::printf("| check every | checks | CPU a check | share of a core |\n|---|---|---|---|\n");
  for (const int interval : {250, 100, 50}) {
    memory::WatchOptions options;
    options.interval = std::chrono::milliseconds(interval);
    memory::Pressure pressure;
    memory::Watch watch(
        options, {}, [] { return std::uint64_t{0}; }, pressure);
    memory::Monitor monitor(watch, [](memory::Level) {});
    std::this_thread::sleep_for(seconds);
    monitor.stop();
    const auto report = watch.report();
    const auto cpu = std::chrono::duration<double>(report.cpu).count();
    std::printf("| %d ms | %llu | %.0f µs | %.4f %% |\n", interval,
                static_cast<unsigned long long>(report.checks),
                cpu / static_cast<double>(report.checks) * 1e6,
                cpu / static_cast<double>(report.checks) / (interval / 1e3) * 100);
  }
}
