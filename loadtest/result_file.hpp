// The results of a scenario as one JSON file:
// {format, scenario, about, date, machine, commit, quick,
//  steps: [{step, config, broken, runs: [as run_load returns them], median}]}
// `median` has the shape of a run; each number in it is the median over the runs, everything else is the
// first run's.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <vector>

#include "scenario.hpp"

namespace loadtest {

nlohmann::json config_of(const Scenario& scenario);

nlohmann::json median_of(const nlohmann::json& runs);

// Whether a run is past the scenario's breaking point.
bool is_broken(const Scenario& scenario, const nlohmann::json& run);

// A result file, or every *.json of a directory by name. Throws BadInput.
std::vector<nlohmann::json> read_results(const std::filesystem::path& path);
void write_text(const std::filesystem::path& path, const std::string& text);

// The step of a scenario whose name holds all of `parts`; null when it was not measured.
const nlohmann::json* find_step(const std::vector<nlohmann::json>& results, const std::string& scenario,
                                const std::vector<std::string>& parts = {});

// A number inside a run, by JSON pointer; nothing when it is missing or null.
std::optional<double> number_at(const nlohmann::json& run, const std::string& pointer);

}  // namespace loadtest
