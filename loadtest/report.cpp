#include "report.hpp"

#include <cmath>
#include <cstdio>

#include "line_chart.hpp"
#include "recorder.hpp"
#include "result_file.hpp"
#include "trend.hpp"

namespace loadtest {
namespace {

using Json = nlohmann::json;
using Results = std::vector<Json>;
using Value = std::optional<double>;

constexpr const char* kNone = "–";
constexpr const char* kUserScenario = "users_1_5_10_20_50_100";
constexpr const char* kPercentiles[] = {"p50", "p90", "p95", "p99"};

std::string shown(Value value, const char* unit = "", double factor = 1) {
  if (!value) return kNone;
  const double v = *value * factor;
  char text[64];
  if (v != 0 && std::abs(v) < 100)
    std::snprintf(text, sizeof text, "%.3g%s", v, unit);
  else
    std::snprintf(text, sizeof text, "%.0f%s", v, unit);
  return text;
}

std::string row(const std::vector<std::string>& cells) {
  std::string made = "|";
  for (const auto& cell : cells) made += " " + cell + " |";
  return made + "\n";
}

std::string header(const std::vector<std::string>& cells) {
  std::string made = row(cells) + "|";
  for (std::size_t i = 0; i < cells.size(); ++i) made += i == 0 ? "---|" : "---:|";
  return made + "\n";
}

Value median_at(const Json* step, const std::string& pointer) {
  return step ? number_at((*step)["median"], pointer) : std::nullopt;
}

std::string latency(const std::string& operation, const std::string& percentile) {
  return "/operations/" + operation + "/latency_ms/" + percentile;
}

std::string title_of(const Json& result, const Json& step) {
  auto name = result["scenario"].get<std::string>();
  const auto of_step = step["step"].get<std::string>();
  return of_step.empty() ? name : name + " (" + of_step + ")";
}

class Writer {
 public:
  explicit Writer(const Results& results) : results_(results) {}

  Report write() {
    machine();
    seed_scenarios();
    percentiles();
    users();
    components();
    stress();
    endurance();
    all_steps();
    return std::move(report_);
  }

 private:
  void machine() {
    auto& text = report_.markdown;
    text +=
        "# Performance report\n\nMade by `holdfast-loadtest report` from the JSON results beside it. Each "
        "value is "
        "the median of its step's runs. Latencies are in milliseconds and, in an open loop, from the time a "
        "request "
        "was due. Client and daemon share the machine.\n\n";
    text += header({"scenario", "date", "commit", "runs", "seconds each", "CPU", "cores", "file system",
                    "kernel", "load average before"});
    for (const auto& result : results_) {
      const auto& machine = result["machine"];
      const auto& first = result["steps"].at(0);
      text += row({result["scenario"], result["date"],
                   result["commit"].is_string() ? result["commit"].get<std::string>() : kNone,
                   std::to_string(first["runs"].size()), shown(number_at(first["median"], "/seconds")),
                   machine.value("cpu", kNone), std::to_string(machine.value("cores", 0)),
                   machine.value("filesystem", kNone), machine.value("kernel", kNone),
                   shown(number_at(machine, "/load_average"))});
    }
  }

  void seed_scenarios() {
    report_.markdown +=
        "\n## Scenarios\n\n" + header({"", "messages/s", "requests/s", "add mean ms", "query mean ms",
                                       "peak memory MiB", "CPU (cores)", "cache hit rate", "failed"});
    for (const char* name :
         {"high_throughput", "low_latency", "balanced", "memory_constrained", "single_client"}) {
      const auto* step = find_step(results_, name);
      report_.markdown +=
          row({name, shown(median_at(step, "/messages_per_second")),
               shown(median_at(step, "/requests_per_second")), shown(median_at(step, latency("add", "mean"))),
               shown(median_at(step, latency("query", "mean"))),
               shown(median_at(step, "/daemon/resident_mb/peak")),
               shown(median_at(step, "/daemon/cpu_cores/mean")),
               shown(median_at(step, "/cache_hit_rate"), " %", 100),
               shown(median_at(step, "/error_share"), " %", 100)});
    }
  }

  void percentiles() {
    struct Column {
      const char *title, *operation;
      const Json* step;
    };
    const Column columns[] = {
        {"write (buffer)", "add", find_step(results_, "balanced")},
        {"write (bypass)", "add", find_step(results_, "low_latency")},
        {"query (cached)", "query", find_step(results_, "query_cached_cold", {"repeated_queries 1"})},
        {"query (cold)", "query", find_step(results_, "query_cached_cold", {"repeated_queries 0"})}};
    std::vector<std::string> titles{"ms"};
    Chart chart{"Latency by percentile", "percentile", "ms", true, {"p50", "p90", "p95", "p99"}, {}};
    for (const auto& column : columns) {
      titles.push_back(column.title);
      ChartLine line{column.title, {}};
      for (std::size_t i = 0; i < std::size(kPercentiles); ++i) {
        if (const auto value = median_at(column.step, latency(column.operation, kPercentiles[i]))) {
          line.points.emplace_back(i, *value);
        }
      }
      if (!line.points.empty()) chart.lines.push_back(std::move(line));
    }
    report_.markdown += "\n## Latency distribution\n\n" + header(titles);
    for (const char* percentile : {"p50", "p90", "p95", "p99", "max"}) {
      std::vector<std::string> cells{percentile};
      for (const auto& column : columns)
        cells.push_back(shown(median_at(column.step, latency(column.operation, percentile))));
      report_.markdown += row(cells);
    }
    add_chart("latency.svg", chart);
  }

  void users() {
    report_.markdown +=
        "\n## Concurrent users\n\n" +
        header({"users", "messages/min (buffer)", "messages/min (bypass)", "add p50 ms (buffer)",
                "add p50 ms (bypass)", "memory MiB (buffer)", "memory MiB (bypass)", "difference MiB"});
    Chart rates{"Throughput by concurrent users", "users", "messages/min", true, {},
                {{"buffer", {}}, {"bypass", {}}}};
    Chart memory{"Peak memory by concurrent users", "users", "MiB", false, {},
                 {{"buffer", {}}, {"bypass", {}}}};
    for (const char* count : {"1", "5", "10", "20", "50", "100"}) {
      const Json* steps[] = {
          find_step(results_, kUserScenario, {std::string("users ") + count, "bypass false"}),
          find_step(results_, kUserScenario, {std::string("users ") + count, "bypass true"})};
      Value per_minute[2], p50[2], peak[2];
      for (std::size_t i = 0; i < 2; ++i) {
        per_minute[i] = median_at(steps[i], "/messages_per_minute");
        p50[i] = median_at(steps[i], latency("add", "p50"));
        peak[i] = median_at(steps[i], "/daemon/resident_mb/peak");
        const auto x = static_cast<double>(rates.categories.size());
        if (per_minute[i]) rates.lines[i].points.emplace_back(x, *per_minute[i]);
        if (peak[i]) memory.lines[i].points.emplace_back(x, *peak[i]);
      }
      rates.categories.push_back(count);
      memory.categories.push_back(count);
      const auto difference = peak[0] && peak[1] ? shown(*peak[0] - *peak[1]) : kNone;
      report_.markdown += row({count, shown(per_minute[0]), shown(per_minute[1]), shown(p50[0]),
                               shown(p50[1]), shown(peak[0]), shown(peak[1]), difference});
    }
    add_chart("users_throughput.svg", rates);
    add_chart("users_memory.svg", memory);
  }

  void components() {
    report_.markdown += "\n## Component latencies\n\nMeans, from the daemon's own metrics.\n\n";
    const Json* balanced = find_step(results_, "balanced");
    const Json* queries = find_step(results_, "query_cached_cold", {"repeated_queries 0"});
    const Json* any = balanced ? balanced : queries;
    if (!any || !(*any)["median"].contains("components")) {
      report_.markdown += "Not measured.\n";
      return;
    }
    report_.markdown += header({"component", "mean ms (balanced)", "mean ms (cold queries)", "metric"});
    for (const auto& [name, entry] : (*any)["median"]["components"].items()) {
      const auto mean = "/components/" + name + "/mean_ms";
      report_.markdown += row(
          {name, shown(median_at(balanced, mean)), shown(median_at(queries, mean)),
           entry["metric"].is_string() ? "`" + entry["metric"].get<std::string>() + "`" : "not exported"});
    }
  }

  void stress() {
    report_.markdown += "\n## Stress\n\n";
    Chart chart{"Stress: worst p99 by offered load", "offered requests/s", "ms", true, {}, {{"p99", {}}}};
    std::string rows;
    const Json* first_broken = nullptr;
    for (const auto& result : results_) {
      if (result["scenario"] != "stress") continue;
      for (const auto& step : result["steps"]) {
        const double offered =
            step["config"]["requests_per_minute"].get<double>() / 60 * step["config"]["users"].get<double>();
        const auto* of = &step;
        const auto p99 = median_at(of, "/worst_p99_ms");
        if (p99) chart.lines[0].points.emplace_back(offered, *p99);
        if (!first_broken && step["broken"] == true) first_broken = of;
        rows += row(
            {shown(offered), shown(median_at(of, "/requests_per_second")),
             shown(median_at(of, latency("add", "p50"))), shown(p99),
             shown(median_at(of, "/error_share"), " %", 100), shown(median_at(of, "/daemon/cpu_cores/mean")),
             shown(median_at(of, "/generator/cpu_cores")), shown(median_at(of, "/daemon/resident_mb/peak")),
             step["broken"] == true ? "broken" : "holds"});
      }
    }
    if (rows.empty()) {
      report_.markdown += "Not measured.\n";
      return;
    }
    report_.markdown += header({"offered requests/s", "answered/s", "add p50 ms", "worst p99 ms", "failed",
                                "CPU (cores)", "generator CPU", "memory MiB", ""}) +
                        rows + "\n";
    report_.markdown += first_broken ? "Broken means past the scenario's limits on p99 or failures.\n"
                                     : "No step broke it: it ends above the highest one.\n";
    add_chart("stress.svg", chart);
  }

  void endurance() {
    report_.markdown += "\n## Endurance\n\n";
    const auto* step = find_step(results_, "endurance");
    if (!step) {
      report_.markdown += "Not measured.\n";
      return;
    }
    const auto& series = (*step)["median"]["series"];
    constexpr double kLeaveOut = 0.25;
    const auto memory = trend_of(series, "resident_mb", kLeaveOut),
               p99 = trend_of(series, "p99_ms", kLeaveOut);
    report_.markdown += header({"seconds", "messages/s", "memory slope MiB/h", "p99 drift ms/h",
                                "p99 at begin ms", "p99 at end ms"});
    report_.markdown += row(
        {shown(median_at(step, "/seconds")), shown(median_at(step, "/messages_per_second")),
         shown(memory ? Value(memory->per_hour) : std::nullopt),
         shown(p99 ? Value(p99->per_hour) : std::nullopt), shown(p99 ? Value(p99->at_begin) : std::nullopt),
         shown(p99 ? Value(p99->at_end) : std::nullopt)});
    report_.markdown += "\nLeast squares over the last three quarters of the run.\n";
    Chart resident{"Endurance: memory over time", "seconds", "MiB", false, {}, {{"resident memory", {}}}};
    Chart slow{"Endurance: p99 over time", "seconds", "ms", true, {}, {{"p99 of the interval", {}}}};
    for (const auto& point : series) {
      if (const auto mb = number_at(point, "/resident_mb"))
        resident.lines[0].points.emplace_back(point["t"], *mb);
      slow.lines[0].points.emplace_back(point["t"], point["p99_ms"]);
    }
    add_chart("endurance_memory.svg", resident);
    add_chart("endurance_p99.svg", slow);
  }

  void all_steps() {
    report_.markdown += "\n## Every step\n\n" + header({"step", "operation", "per second", "p50", "p90",
                                                        "p95", "p99", "max", "failed", "generator CPU"});
    for (const auto& result : results_) {
      for (const auto& step : result["steps"]) {
        for (const std::string operation : kOperationNames) {
          const auto rate = median_at(&step, "/operations/" + operation + "/per_second");
          if (!rate) continue;
          std::vector<std::string> cells{title_of(result, step), operation, shown(rate)};
          for (const char* p : {"p50", "p90", "p95", "p99", "max"}) {
            cells.push_back(shown(median_at(&step, latency(operation, p))));
          }
          cells.push_back(shown(median_at(&step, "/error_share"), " %", 100));
          cells.push_back(shown(median_at(&step, "/generator/cpu_cores")));
          report_.markdown += row(cells);
        }
      }
    }
  }

  void add_chart(const std::string& file, const Chart& chart) {
    auto svg = to_svg(chart);
    if (svg.empty()) return;
    report_.markdown += "\n![" + chart.title + "](" + file + ")\n";
    report_.charts[file] = std::move(svg);
  }

  const Results& results_;
  Report report_;
};

}  // namespace

Report make_report(const std::vector<Json>& results) {
  return Writer(results).write();
}

}  // namespace loadtest
