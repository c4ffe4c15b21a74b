#include "session.hpp"

#include <unistd.h>

#include <cstdio>
#include <ctime>

#include "daemon_process.hpp"
#include "load_run.hpp"
#include "process_usage.hpp"
#include "result_file.hpp"

namespace loadtest {
namespace {

using Json = nlohmann::json;

constexpr int kBarWidth = 30;
constexpr double kPlainStep = 0.25;  // without a terminal: a line each quarter

// A bar that is drawn over itself on a terminal, now and then a line elsewhere.
class ProgressLine {
 public:
  explicit ProgressLine(std::string what) : what_(std::move(what)), terminal_(isatty(STDERR_FILENO) == 1) {}

  void show(const Progress& progress) {
    const int percent = static_cast<int>(100 * progress.share);
    if (terminal_) {
      const int filled = static_cast<int>(kBarWidth * progress.share);
      std::fprintf(stderr, "\r\033[K%s [%s%s] %3d %%, %llu requests, %llu failed", what_.c_str(),
                   std::string(filled, '#').c_str(), std::string(kBarWidth - filled, '.').c_str(), percent,
                   static_cast<unsigned long long>(progress.requests),
                   static_cast<unsigned long long>(progress.errors));
    } else if (progress.share >= next_) {
      std::fprintf(stderr, "%s: %d %%, %llu requests, %llu failed\n", what_.c_str(), percent,
                   static_cast<unsigned long long>(progress.requests),
                   static_cast<unsigned long long>(progress.errors));
      next_ = progress.share + kPlainStep;
    }
  }

  void end(const Json& run) {
    std::fprintf(stderr, "%s%s: %.0f requests/s, worst p99 %.3f ms, %.2f %% failed\n",
                 terminal_ ? "\r\033[K" : "", what_.c_str(), run["requests_per_second"].get<double>(),
                 run["worst_p99_ms"].get<double>(), 100 * run["error_share"].get<double>());
  }

 private:
  std::string what_;
  bool terminal_;
  double next_ = kPlainStep;
};

Json run_once(const Scenario& scenario, const SessionOptions& options, const std::string& what) {
  ProgressLine line(what);
  const auto show = [&](const Progress& progress) { line.show(progress); };
  Json run;
  if (!options.url.empty()) {
    const auto address = parse_url(options.url);
    const PinnedThread pinned(scenario.load_cores);
    run = run_load(address, 0, scenario, show);
  } else {
    const DaemonProcess daemon(options.daemon, scenario, options.data);
    const PinnedThread pinned(scenario.load_cores);
    run = run_load(daemon.address(), daemon.pid(), scenario, show);
  }
  line.end(run);
  return run;
}

std::string utc_now() {
  const auto now = std::time(nullptr);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", std::gmtime(&now));
  return text;
}

}  // namespace

Json run_scenario(std::vector<Scenario> steps, const SessionOptions& options) {
  const auto machine = describe_machine(options.url.empty() ? options.data : std::filesystem::path("."));
  auto measured = Json::array();
  bool broken_before = false;
  for (auto& scenario : steps) {
    if (options.quick) scenario.duration = scenario.short_duration;
    if (options.duration) scenario.duration = *options.duration;
    if (options.warm_up) scenario.warm_up = *options.warm_up;
    if (!options.pin) scenario.daemon_cores = scenario.load_cores = "";
    auto what = scenario.name;
    if (!scenario.step.empty()) what += " (" + scenario.step_name() + ")";
    auto runs = Json::array();
    const auto count = scenario.once ? 1 : options.runs;
    for (std::size_t i = 0; i < count; ++i) {
      runs.push_back(run_once(scenario, options, count == 1 ? what : what + " run " + std::to_string(i + 1)));
    }
    const auto median = median_of(runs);
    const bool broken = is_broken(scenario, median);
    measured.push_back({{"step", scenario.step_name()},
                        {"config", config_of(scenario)},
                        {"broken", broken},
                        {"runs", std::move(runs)},
                        {"median", median}});
    if (broken && broken_before) break;  // the first broken step and one more: how it degrades
    broken_before = broken;
  }
  const auto commit = measured.back()["median"]["commit"];
  return {{"format", 1},
          {"scenario", steps.front().name},
          {"about", steps.front().about},
          {"date", utc_now()},
          {"machine", machine},
          {"commit", commit},
          {"quick", options.quick},
          {"steps", std::move(measured)}};
}

}  // namespace loadtest
