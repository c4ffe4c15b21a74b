#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>

#include "calibration.hpp"
#include "compare.hpp"
#include "line_chart.hpp"
#include "report.hpp"
#include "result_file.hpp"
#include "session.hpp"
#include "trend.hpp"

namespace {

namespace fs = std::filesystem;
using namespace loadtest;

constexpr int kRegression = 1, kRefused = 2;

int refuse(const std::string& message) {
  std::fprintf(stderr, "holdfast-loadtest: %s\n", message.c_str());
  return kRefused;
}

// What the command line says; each subcommand uses its part.
struct Arguments {
  SessionOptions session;
  std::string scenario, scenarios = LOADTEST_SCENARIOS, output = "-", results, baseline,
                        max_regression = "10%";
  std::string duration, warm_up;
  std::vector<std::string> only;
  bool no_pin = false;
  double most_memory_slope = 16, most_p99_growth = 1;
};

void finish_session(Arguments& arguments) {
  auto& session = arguments.session;
  if (!arguments.duration.empty()) session.duration = parse_time(arguments.duration, "--duration");
  if (session.duration && session.duration->count() <= 0) throw BadInput("--duration: must be above 0");
  if (!arguments.warm_up.empty()) session.warm_up = parse_time(arguments.warm_up, "--warm-up");
  session.pin = !arguments.no_pin;
}

void add_session_options(CLI::App& command, Arguments& arguments) {
  auto& session = arguments.session;
  auto* daemon = command.add_option("--daemon", session.daemon, "holdfastd to start for every run")
                     ->capture_default_str();
  command.add_option("--url", session.url, "a daemon that runs already: http://HOST:PORT")->excludes(daemon);
  command
      .add_option("--data", session.data,
                  "where the daemon's data directories are made: the disk that is measured")
      ->capture_default_str();
  command.add_option("--runs", session.runs, "of each step; tables show medians")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  command.add_flag("--quick", session.quick, "each scenario's short_duration");
  command.add_option("--duration", arguments.duration, "instead of the scenario's, e.g. 30s");
  command.add_option("--warm-up", arguments.warm_up, "instead of the scenario's");
  command.add_flag("--no-pin", arguments.no_pin, "leave the choice of cores to the kernel");
}

void print_or_write(const std::string& output, const std::string& text) {
  if (output == "-") {
    std::fputs(text.c_str(), stdout);
  } else {
    write_text(output, text);
  }
}

int run(Arguments& arguments) {
  finish_session(arguments);
  const auto result = run_scenario(read_scenario(arguments.scenario), arguments.session);
  print_or_write(arguments.output, result.dump(1) + "\n");
  return 0;
}

int matrix(Arguments& arguments) {
  finish_session(arguments);
  std::vector<fs::path> files;
  if (!fs::is_directory(arguments.scenarios))
    throw BadInput("--scenarios: " + arguments.scenarios + " is no directory");
  for (const auto& entry : fs::directory_iterator(arguments.scenarios)) {
    if (entry.path().extension() == ".yaml") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  std::vector<std::vector<Scenario>> chosen;
  for (const auto& file : files) {
    auto steps = read_scenario(file.string());
    const auto& only = arguments.only;
    if (only.empty() || std::find(only.begin(), only.end(), steps.front().name) != only.end()) {
      chosen.push_back(std::move(steps));
    }
  }
  if (chosen.empty()) throw BadInput("matrix: no scenario of " + arguments.scenarios + " is meant");
  fs::create_directories(arguments.results);
  for (auto& steps : chosen) {
    const auto file = fs::path(arguments.results) / (steps.front().name + ".json");
    write_text(file, run_scenario(std::move(steps), arguments.session).dump(1) + "\n");
  }
  return 0;
}

int report(const Arguments& arguments) {
  const auto made = make_report(read_results(arguments.results));
  fs::create_directories(arguments.output);
  write_text(fs::path(arguments.output) / "README.md", made.markdown);
  for (const auto& [name, svg] : made.charts) write_text(fs::path(arguments.output) / name, svg);
  return 0;
}

int compare_results(const Arguments& arguments) {
  const auto comparison = compare(read_results(arguments.baseline), read_results(arguments.results),
                                  parse_share(arguments.max_regression));
  for (const auto& line : comparison.lines) std::printf("%s\n", line.c_str());
  std::printf("%zu of %zu values got worse by more than %s\n", comparison.regressions.size(),
              comparison.lines.size(), arguments.max_regression.c_str());
  return comparison.regressions.empty() ? 0 : kRegression;
}

int soak(Arguments& arguments) {
  finish_session(arguments);
  auto steps = read_scenario(arguments.scenario);
  if (steps.size() != 1) throw BadInput(arguments.scenario + ": a soak has one step, this has vary");
  arguments.session.runs = 1;
  const auto result = run_scenario(std::move(steps), arguments.session);
  if (!arguments.output.empty()) write_text(arguments.output, result.dump(1) + "\n");
  const auto& series = result["steps"][0]["median"]["series"];
  constexpr double kLeaveOut = 0.25;  // while caches and allocators fill up
  const auto memory = trend_of(series, "resident_mb", kLeaveOut), p99 = trend_of(series, "p99_ms", kLeaveOut);
  if (!p99) throw BadInput("--duration: too short to see a trend");
  bool good = true;
  if (memory) {
    const bool grows = memory->per_hour > arguments.most_memory_slope;
    std::printf("memory: %.1f MiB at the end, %+.2f MiB/h (limit %.2f)%s\n", memory->at_end, memory->per_hour,
                arguments.most_memory_slope, grows ? "  GROWS" : "");
    good = good && !grows;
  }
  constexpr double kSteady = 0.5;  // the half that is judged for being steady
  for (const auto& [field, unit] :
       {std::pair("resident_mb", "MiB resident"), std::pair("per_second", "requests/s")}) {
    const auto spread = spread_of(series, field, kSteady);
    if (!spread || spread->median <= 0) continue;
    std::printf("%s in the second half: %.1f (%.1f to %.1f, %+.1f to %+.1f %%)\n", unit, spread->median,
                spread->least, spread->most, 100 * (spread->least / spread->median - 1),
                100 * (spread->most / spread->median - 1));
  }
  const double growth = p99->at_begin > 0 ? p99->at_end / p99->at_begin - 1 : 0;
  const bool slower = growth > arguments.most_p99_growth;
  std::printf("p99: %.3f ms at first, %.3f ms at the end, %+.0f %% (limit %.0f %%)%s\n", p99->at_begin,
              p99->at_end, 100 * growth, 100 * arguments.most_p99_growth, slower ? "  DRIFTS" : "");
  return good && !slower ? 0 : kRegression;
}

int chart(const Arguments& arguments) {
  Chart chart;
  try {
    const auto given = nlohmann::json::parse(std::cin);
    chart.title = given.at("title").get<std::string>();
    chart.x_label = given.at("x").get<std::string>();
    chart.y_label = given.at("y").get<std::string>();
    chart.categories = given.at("categories").get<std::vector<std::string>>();
    for (const auto& [name, values] : given.at("lines").items()) {
      ChartLine line{name, {}};
      for (const auto& value : values)
        line.points.emplace_back(static_cast<double>(line.points.size()), value.get<double>());
      chart.lines.push_back(std::move(line));
    }
  } catch (const nlohmann::json::exception& error) {
    throw BadInput(std::string("standard input: ") + error.what());
  }
  print_or_write(arguments.output, to_svg(chart));
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"holdfast-loadtest: how fast a holdfastd is, and whether it still is"};
  app.footer(
      "Exit codes: 0, 1 a regression or drift was found (compare, soak) or a run failed, 2 wrong input.");
  Arguments arguments;
  std::error_code unknown;
  arguments.session.daemon =
      (fs::read_symlink("/proc/self/exe", unknown).parent_path() / "holdfastd").string();
  arguments.session.data = fs::temp_directory_path();
  const auto soak_scenario = (fs::path(LOADTEST_SCENARIOS) / "endurance.yaml").string();

  auto* run_command = app.add_subcommand("run", "run one scenario");
  run_command->add_option("--scenario", arguments.scenario, "YAML file (loadtest/scenarios)")->required();
  run_command->add_option("--output", arguments.output, "JSON result; - is standard output")
      ->capture_default_str();
  add_session_options(*run_command, arguments);

  auto* matrix_command = app.add_subcommand("matrix", "run all scenarios; a result file each");
  matrix_command->add_option("--scenarios", arguments.scenarios, "directory of YAML files")
      ->capture_default_str();
  matrix_command->add_option("--only", arguments.only, "names of scenarios, instead of all")->delimiter(',');
  matrix_command->add_option("--results", arguments.results, "directory for the results")->required();
  add_session_options(*matrix_command, arguments);

  auto* report_command = app.add_subcommand("report", "write README.md and SVG charts from results");
  report_command->add_option("RESULTS", arguments.results, "result file or directory")->required();
  report_command->add_option("--output", arguments.output, "directory")->required();

  auto* compare_command = app.add_subcommand("compare", "exit with 1 if results are worse than a baseline");
  compare_command->add_option("--baseline", arguments.baseline, "result file or directory")->required();
  compare_command->add_option("--max-regression", arguments.max_regression, "a share like 10% or 0.1")
      ->capture_default_str();
  compare_command->add_option("RESULTS", arguments.results, "result file or directory")->required();

  auto* calibrate_command =
      app.add_subcommand("calibrate", "derive alert thresholds and indicators' levels as YAML");
  calibrate_command->add_option("RESULTS", arguments.results, "result file or directory")->required();
  calibrate_command->add_option("--output", arguments.output, "YAML; - is standard output")
      ->capture_default_str();

  auto* chart_command = app.add_subcommand(
      "chart",
      "SVG of the JSON on standard input: {title, x, y, categories: [...], lines: {name: [value, ...]}}");
  chart_command->add_option("--output", arguments.output, "SVG; - is standard output")->capture_default_str();

  auto* soak_command = app.add_subcommand("soak", "run long; exit with 1 if memory or p99 grows");
  soak_command->add_option("--scenario", arguments.scenario, "YAML file; scenarios/endurance.yaml if absent");
  soak_command->add_option("--output", arguments.output, "JSON result");
  soak_command->add_option("--max-memory-slope", arguments.most_memory_slope, "MiB an hour")
      ->capture_default_str();
  soak_command->add_option("--max-p99-growth", arguments.most_p99_growth, "share of the first p99")
      ->capture_default_str();
  add_session_options(*soak_command, arguments);
  app.require_subcommand(1);

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return error.get_exit_code() == 0 ? app.exit(error) : refuse(std::string(error.what()) + " (see --help)");
  }
  try {
    if (*run_command) return run(arguments);
    if (*matrix_command) return matrix(arguments);
    if (*report_command) return report(arguments);
    if (*compare_command) return compare_results(arguments);
    if (*calibrate_command) {
      print_or_write(arguments.output, calibrate(read_results(arguments.results)));
      return 0;
    }
    if (*chart_command) return chart(arguments);
    if (arguments.scenario.empty()) arguments.scenario = soak_scenario;
    if (soak_command->count("--output") == 0) arguments.output.clear();
    return soak(arguments);
  } catch (const BadInput& error) {
    return refuse(error.what());
  } catch (const std::exception& error) {
    refuse(error.what());
    return 1;
  }
}
