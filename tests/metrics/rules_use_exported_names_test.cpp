#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <set>
#include <string>
#include <string_view>

#include "holdfast/metrics/exporter.hpp"
#include "set_clock.hpp"

namespace holdfast::metrics {
namespace {

constexpr std::string_view kNameCharacters = "abcdefghijklmnopqrstuvwxyz0123456789_";

// Metrics named by a rule file, without the recorded ones ("instance:…") and the names of groups.
std::set<std::string> metrics_named_in(const std::string& file) {
  std::ifstream lines(std::string(HOLDFAST_SOURCE_DIR) + "/deploy/prometheus/" + file);
  std::set<std::string> names;
  for (std::string line; std::getline(lines, line);) {
    if (line.find("- name:") != std::string::npos) continue;
    for (auto at = line.find("holdfast_"); at != std::string::npos; at = line.find("holdfast_", at + 1)) {
      const auto end = std::min(line.find_first_not_of(kNameCharacters, at), line.size());
      const bool recorded = at > 0 && line[at - 1] == ':';
      if (!recorded) names.insert(line.substr(at, end - at));
    }
  }
  return names;
}

TEST(Rules, NameOnlyMetricsThatAreExported) {
  const Probes probes(1);
  const SetClock clock;
  WindowHistory window(probes, Options{}, Capacity{1, 1.0, 1}, clock);
  window.take({});
  const Fixed fixed{"1", "c", "fsync", 1, 1, 1, {"/proc", "/sys/fs/cgroup", {{"d", "/"}}}};
  const Exporter exporter(probes, window, clock, fixed, [] {
    static const memory::Pressure kPressure;
    Live live;
    live.ready = true;
    live.store = StoreCounts{};
    live.memory.emplace().shares[memory::Signal::resident] = 0.5;
    live.pressure = &kPressure;
    live.buffer_limit_bytes = 1;
    live.flush_deadline = std::chrono::seconds(1);
    return live;
  });
  const auto text = exporter.scrape();
  for (const char* file : {"recording_rules.yml", "alert_rules.yml"}) {
    const auto names = metrics_named_in(file);
    EXPECT_GE(names.size(), 8u) << file;
    for (const auto& name : names) {
      const bool exported =
          text.find(name + "{") != std::string::npos || text.find(name + " ") != std::string::npos;
      EXPECT_TRUE(exported) << file << " names " << name;
    }
  }
}

}  // namespace
}  // namespace holdfast::metrics
