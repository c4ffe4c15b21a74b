#include "result_file.hpp"

#include <algorithm>
#include <fstream>

namespace loadtest {
namespace {

using Json = nlohmann::json;

constexpr int kFormat = 1;

}  // namespace

Json config_of(const Scenario& scenario) {
  return {{"profile", scenario.profile},
          {"settings", scenario.settings},
          {"bypass", scenario.bypass},
          {"daemon_cores", scenario.daemon_cores},
          {"load_cores", scenario.load_cores},
          {"loop", scenario.open_loop ? "open" : "closed"},
          {"arrivals", scenario.arrivals == Arrivals::poisson ? "poisson" : "uniform"},
          {"users", scenario.users},
          {"sessions_per_user", scenario.sessions_per_user},
          {"connections", scenario.connections},
          {"requests_per_minute", scenario.open_loop ? Json(scenario.requests_per_minute) : Json(nullptr)},
          {"mix", {{"add", scenario.mix.add}, {"query", scenario.mix.query}, {"list", scenario.mix.list}}},
          {"messages_per_add", scenario.messages_per_add},
          {"message_bytes",
           {{"median", scenario.message_bytes.median_bytes},
            {"spread", scenario.message_bytes.spread},
            {"most", scenario.message_bytes.most_bytes}}},
          {"repeated_queries", scenario.repeated_queries},
          {"repeated_texts", scenario.repeated_texts},
          {"preload_messages", scenario.preload_messages},
          {"warm_up_seconds", scenario.warm_up.count()},
          {"duration_seconds", scenario.duration.count()}};
}

Json median_of(const Json& runs) {
  const auto& first = runs.at(0);
  if (first.is_object()) {
    auto made = Json::object();
    for (const auto& [key, value] : first.items()) {
      auto values = Json::array();
      for (const auto& run : runs) {
        if (run.contains(key)) values.push_back(run[key]);
      }
      made[key] = median_of(values);
    }
    return made;
  }
  if (!std::all_of(runs.begin(), runs.end(), [](const Json& run) { return run.is_number(); })) return first;
  std::vector<double> values = runs;
  std::sort(values.begin(), values.end());
  const auto middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

bool is_broken(const Scenario& scenario, const Json& run) {
  const auto past = [&](const char* pointer, double limit) {
    return limit > 0 && number_at(run, pointer).value_or(0) > limit;
  };
  return past("/worst_p99_ms", scenario.breaks_at.p99_ms) ||
         past("/error_share", scenario.breaks_at.error_share);
}

std::vector<Json> read_results(const std::filesystem::path& path) {
  std::vector<std::filesystem::path> files{path};
  if (std::filesystem::is_directory(path)) {
    files.clear();
    for (const auto& entry : std::filesystem::directory_iterator(path)) {
      if (entry.path().extension() == ".json") files.push_back(entry.path());
    }
    std::sort(files.begin(), files.end());
    if (files.empty()) throw BadInput(path.string() + ": holds no result (*.json)");
  }
  std::vector<Json> results;
  for (const auto& file : files) {
    std::ifstream in(file);
    if (!in) throw BadInput(file.string() + ": cannot be read");
    auto result = Json::parse(in, nullptr, false);
    if (!result.is_object() || result.value("format", 0) != kFormat || !result.contains("scenario") ||
        !result.contains("steps") || !result["steps"].is_array()) {
      throw BadInput(file.string() + ": is no result of holdfast-loadtest");
    }
    results.push_back(std::move(result));
  }
  return results;
}

void write_text(const std::filesystem::path& path, const std::string& text) {
  std::ofstream out(path, std::ios::binary);
  out << text;
  out.close();
  if (!out) throw BadInput(path.string() + ": cannot be written");
}

const Json* find_step(const std::vector<Json>& results, const std::string& scenario,
                      const std::vector<std::string>& parts) {
  for (const auto& result : results) {
    if (result["scenario"] != scenario) continue;
    for (const auto& step : result["steps"]) {
      const auto name = ", " + step.value("step", "") + ",";
      if (std::all_of(parts.begin(), parts.end(),
                      [&](const auto& part) { return name.find(", " + part + ",") != std::string::npos; })) {
        return &step;
      }
    }
  }
  return nullptr;
}

std::optional<double> number_at(const Json& run, const std::string& pointer) {
  const Json::json_pointer where(pointer);
  if (!run.contains(where) || !run.at(where).is_number()) return std::nullopt;
  return run.at(where).get<double>();
}

}  // namespace loadtest
