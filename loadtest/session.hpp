// Runs scenarios from beginning to end: a daemon for every run, the steps in order, progress to standard
// error.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "scenario.hpp"

namespace loadtest {

struct SessionOptions {
  std::string daemon;  // program to start, unless `url` names a daemon that runs
  std::string url;
  std::filesystem::path data;                                      // parent of the daemon's data directories
  std::size_t runs = 1;                                            // of each step
  bool quick = false;                                              // each scenario's short_duration
  std::optional<std::chrono::duration<double>> duration, warm_up;  // instead of the scenario's
  bool pin = true;  // false: the scenario's cores are not asked for
};

// The result as result_file.hpp describes it. Throws BadInput and std::runtime_error.
nlohmann::json run_scenario(std::vector<Scenario> steps, const SessionOptions& options);

}  // namespace loadtest
