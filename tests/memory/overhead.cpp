// What the memory checks cost, as a share of one core. The daemon's monitor: the CPU time of a thread that
// does nothing else, waking included, at the interval of each level. An import in each mode: what asking for
// the level every few messages costs, at a usual rate, with the timed check behind it.
//   memory_overhead [SECONDS]
#include <time.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <utility>

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
  constexpr double kUsualMessages = 20'000;  // imported a second
  constexpr std::uint64_t kSteps = 20'000'000;
  double timed = 0;  // share of a core, at normal
  const std::chrono::seconds seconds(argc > 1 ? std::atoi(argv[1]) : 5);
  std::printf("| check every | checks | CPU a check | share of a core |\n|---|---|---|---|\n");
  memory::Pressure pressure;
  for (const int interval : {250, 100, 50}) {
    memory::WatchOptions options;
    options.interval = std::chrono::milliseconds(interval);
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
    if (timed == 0) timed = cpu / (interval / 1e3);
  }
  std::printf(
      "\n| mode of an import | asks every | ns a message | share of a core at %.0f messages/s "
      "|\n|---|---|---|---|\n",
      kUsualMessages);
  for (const auto& [name, mode] :
       {std::pair("performance", memory::Mode::performance), std::pair("balanced", memory::Mode::balanced),
        std::pair("safety", memory::Mode::safety)}) {
    const auto every = memory::steps_between_checks(mode, 0);
    memory::StepChecks checks(every);
    auto latest = std::chrono::steady_clock::now();
    const auto began = thread_cpu_seconds();
    for (std::uint64_t step = 0; step < kSteps; ++step) {
      if (!checks.step()) continue;
      latest = std::max(latest, std::chrono::steady_clock::now());  // is the timed check due?
      checks.found(pressure.level() >= memory::Level::warning);
    }
    const auto message = (thread_cpu_seconds() - began) / static_cast<double>(kSteps);
    std::printf("| %s | %lu messages | %.1f | %.4f %% |\n", name, static_cast<unsigned long>(every),
                message * 1e9, (message * kUsualMessages + timed) * 100);
  }
}
