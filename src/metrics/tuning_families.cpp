#include "metrics/export_groups.hpp"

namespace holdfast::metrics {
namespace {

constexpr std::string_view kSteps[] = {"more_workers", "fewer_workers", "larger_batches", "smaller_batches"};
constexpr std::string_view kOutcomes[] = {"applied", "kept", "backed_out"};
static_assert(std::size(kSteps) == static_cast<std::size_t>(TuningStep::count));
static_assert(std::size(kOutcomes) == static_cast<std::size_t>(TuningOutcome::count));

}  // namespace

std::string_view to_string(TuningStep label) {
  const auto index = static_cast<std::size_t>(label);
  return index < std::size(kSteps) ? kSteps[index] : "unknown";
}

std::string_view to_string(TuningOutcome label) {
  const auto index = static_cast<std::size_t>(label);
  return index < std::size(kOutcomes) ? kOutcomes[index] : "unknown";
}

void add_tuning(const TuningProbe& tuning, Families& families) {
  Family steps("holdfast_auto_tune_steps_total", "Changes that auto_tune made, and what came of them.",
               prometheus::MetricType::Counter);
  for_each_label<TuningStep>([&](TuningStep step) {
    for_each_label<TuningOutcome>([&](TuningOutcome outcome) {
      steps.add(static_cast<double>(tuning.steps[step][outcome].value()),
                {{"step", std::string(to_string(step))}, {"outcome", std::string(to_string(outcome))}});
    });
  });
  families.add(std::move(steps));
}

}  // namespace holdfast::metrics
