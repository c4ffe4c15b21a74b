#include "compare.hpp"

#include <charconv>
#include <cstdio>

#include "recorder.hpp"
#include "result_file.hpp"
#include "scenario.hpp"

namespace loadtest {
namespace {

using Json = nlohmann::json;

class Step {
 public:
  Step(std::string name, double most, Comparison& into) : name_(std::move(name)), most_(most), into_(into) {}

  // `better` +1: more is better, -1: less is.
  void relative(const Json& before, const Json& after, const std::string& pointer, const char* what,
                int better) {
    const auto old_value = number_at(before, pointer), new_value = number_at(after, pointer);
    if (!old_value || !new_value || *old_value <= 0) return;
    const double change = *new_value / *old_value - 1;
    note(what, *old_value, *new_value, change, -better * change > most_);
  }

  void absolute(const Json& before, const Json& after, const std::string& pointer, const char* what) {
    const auto old_value = number_at(before, pointer).value_or(0),
               new_value = number_at(after, pointer).value_or(0);
    note(what, old_value, new_value, new_value - old_value, new_value - old_value > most_);
  }

 private:
  void note(const std::string& what, double before, double after, double change, bool worse) {
    char text[256];
    std::snprintf(text, sizeof text, "%s: %.4g before, %.4g now (%+.1f %%)%s", what.c_str(), before, after,
                  100 * change, worse ? "  REGRESSION" : "");
    into_.lines.push_back(name_ + ": " + text);
    if (worse) into_.regressions.push_back(into_.lines.back());
  }

  std::string name_;
  double most_;
  Comparison& into_;
};

}  // namespace

Comparison compare(const std::vector<Json>& baseline, const std::vector<Json>& current, double most) {
  Comparison comparison;
  for (const auto& result : current) {
    for (const auto& now : result["steps"]) {
      const Json* before = nullptr;
      for (const auto& old_result : baseline) {
        if (old_result["scenario"] != result["scenario"]) continue;
        for (const auto& step : old_result["steps"]) {
          if (step["step"] == now["step"]) before = &step;
        }
      }
      if (!before) continue;
      auto name = result["scenario"].get<std::string>();
      if (const auto step = now["step"].get<std::string>(); !step.empty()) name += " (" + step + ")";
      Step step(name, most, comparison);
      const auto &a = (*before)["median"], &b = now["median"];
      if (now["config"]["loop"] == "closed") step.relative(a, b, "/requests_per_second", "requests/s", +1);
      for (const std::string operation : kOperationNames) {
        const auto latency = "/operations/" + operation + "/latency_ms/";
        step.relative(a, b, latency + "p50", (operation + " p50 ms").c_str(), -1);
        step.relative(a, b, latency + "p99", (operation + " p99 ms").c_str(), -1);
      }
      step.relative(a, b, "/daemon/resident_mb/peak", "peak memory MiB", -1);
      step.absolute(a, b, "/error_share", "failed share");
    }
  }
  if (comparison.lines.empty())
    throw BadInput("compare: the results have no step in common with the baseline");
  return comparison;
}

double parse_share(const std::string& text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const std::string unit(end, text.data() + text.size());
  if (error != std::errc() || !(value >= 0) || (!unit.empty() && unit != "%")) {
    throw BadInput("--max-regression: " + text + " is not a share like 10% or 0.1");
  }
  return unit == "%" ? value / 100 : value;
}

}  // namespace loadtest
