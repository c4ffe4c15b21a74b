#include "holdfast/flush/auto_tuner.hpp"

#include <algorithm>
#include <utility>

namespace holdfast::flush {
namespace {

using metrics::Bottleneck;
using metrics::Situation;

constexpr double kBetter = 1.05;

double stored_per_second(const Situation& now) {
  const double seconds = std::chrono::duration<double>(now.summary.covers).count();
  return seconds > 0 ? static_cast<double>(now.summary.stored_messages) / seconds : 0.0;
}

double slowest_p95(const Situation& now) {
  const auto p95 = [](const std::optional<metrics::Latency>& latency) {
    return latency ? latency->p95_ms : 0.0;
  };
  return std::max(p95(now.summary.write), p95(now.summary.query));
}

bool applies(Bottleneck what, const Situation& now) {
  const auto findings = find_bottlenecks(now);
  return std::any_of(findings.begin(), findings.end(), [&](const auto& found) { return found.what == what; });
}

bool has_helped(Bottleneck what, const Situation& before, const Situation& after) {
  if (!applies(what, after)) return true;
  switch (what) {
    case Bottleneck::memory:
      return after.memory_share * kBetter <= before.memory_share;
    case Bottleneck::cpu:
      return slowest_p95(after) * kBetter <= slowest_p95(before);
    default:
      return stored_per_second(after) >= stored_per_second(before) * kBetter;
  }
}

std::optional<ProposedStep> step_for(const metrics::Finding& finding, const Tuning& now,
                                     const TuningBounds& bounds) {
  ProposedStep proposed{TuningStep::count, finding.what, now, finding.reason};
  auto& to = proposed.tuning;
  const bool workers = finding.setting == "buffer.performance.max_flush_workers";
  const bool batches = finding.setting == "buffer.hybrid_buffer.max_size";
  if (finding.what == Bottleneck::memory && batches) {
    proposed.step = TuningStep::smaller_batches;
    to.batch_rounds = std::max(bounds.least_rounds, now.batch_rounds / 2);
  } else if (finding.what == Bottleneck::cpu && workers) {
    proposed.step = TuningStep::fewer_workers;
    to.workers = std::max(1u, now.workers - 1);
  } else if (finding.what == Bottleneck::throughput && batches) {
    proposed.step = TuningStep::larger_batches;
    to.batch_rounds = std::min(bounds.most_rounds, now.batch_rounds * 2);
  } else if (finding.what == Bottleneck::throughput && workers) {
    proposed.step = TuningStep::more_workers;
    to.workers = std::min(bounds.most_workers, now.workers + 1);
  }
  return to == now ? std::nullopt : std::optional(std::move(proposed));
}

}  // namespace

TuningBounds bounds_of(const Tuning& configured) {
  constexpr std::size_t kMostRounds = 50;
  return {configured.workers, std::max<std::size_t>(1, configured.batch_rounds / 4),
          std::min(kMostRounds, configured.batch_rounds * 4)};
}

std::optional<ProposedStep> propose_step(const Tuning& now, const TuningBounds& bounds,
                                         const Situation& situation) {
  for (const auto& finding : find_bottlenecks(situation)) {
    if (auto step = step_for(finding, now, bounds)) return step;
  }
  return std::nullopt;
}

std::optional<TuningDecision> AutoTuner::window_over(const Situation& situation) {
  for (std::size_t i = 0; i < resting_.size(); ++i) {
    auto& windows = resting_[static_cast<TuningStep>(i)];
    if (windows > 0) --windows;
  }
  if (on_trial_) {
    const auto trial = std::move(*on_trial_);
    on_trial_.reset();
    const auto& [step, because_of, to, reason] = trial.proposed;
    if (has_helped(because_of, trial.situation, situation)) {
      return TuningDecision{step, TuningOutcome::kept, tuning_, "it helped: " + reason + " before"};
    }
    tuning_ = trial.before;
    resting_[step] = kRestWindows;
    return TuningDecision{step, TuningOutcome::backed_out, tuning_, "it did not help: " + reason + " before"};
  }
  auto proposed = propose_step(tuning_, bounds_, situation);
  if (!proposed || resting_[proposed->step] > 0) return std::nullopt;
  TuningDecision decision{proposed->step, TuningOutcome::applied, proposed->tuning, proposed->reason};
  on_trial_ = Step{std::move(*proposed), tuning_, situation};
  tuning_ = decision.tuning;
  return decision;
}

}  // namespace holdfast::flush
