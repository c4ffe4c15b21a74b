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

constexpr const char* kRecordingRules = "prometheus/recording_rules.yml";
constexpr const char* kAlertRules = "prometheus/alert_rules.yml";
constexpr const char* kDashboard = "grafana/holdfast.json";

std::ifstream open_deployed(const std::string& file) {
  return std::ifstream(std::string(HOLDFAST_SOURCE_DIR) + "/deploy/" + file);
}

// Metrics that a file names; recorded: those of recording rules ("instance:…"). Names of groups are left out.
std::set<std::string> metrics_named_in(const std::string& file, bool recorded) {
  auto lines = open_deployed(file);
  std::set<std::string> names;
  for (std::string line; std::getline(lines, line);) {
    if (line.find("- name:") != std::string::npos) continue;
    for (auto at = line.find("holdfast_"); at != std::string::npos; at = line.find("holdfast_", at + 1)) {
      const bool is_recorded = at > 0 && line[at - 1] == ':';
      const auto characters = std::string(kNameCharacters) + (is_recorded ? ":" : "");  // with the window
      const auto end = std::min(line.find_first_not_of(characters, at), line.size());
      if (is_recorded == recorded) names.insert(line.substr(at, end - at));
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
  for (const char* file : {kRecordingRules, kAlertRules, kDashboard}) {
    const auto names = metrics_named_in(file, false);
    EXPECT_GE(names.size(), 8u) << file;
    for (const auto& name : names) {
      const bool exported =
          text.find(name + "{") != std::string::npos || text.find(name + " ") != std::string::npos;
      EXPECT_TRUE(exported) << file << " names " << name;
    }
  }
}

TEST(Rules, AreRecordedWhereTheyAreNamed) {
  std::string rules;
  auto lines = open_deployed(kRecordingRules);
  for (std::string line; std::getline(lines, line);) rules += line + "\n";
  for (const char* file : {kAlertRules, kDashboard}) {
    const auto names = metrics_named_in(file, true);
    EXPECT_GE(names.size(), 4u) << file;
    for (const auto& name : names) {
      EXPECT_NE(rules.find("record: instance:" + name + "\n"), std::string::npos)
          << file << " names " << name;
    }
  }
}

}  // namespace
}  // namespace holdfast::metrics
