// The first level of the escalation: the daemon changes its own batch size and number of working flush
// workers, one step at a time, and takes back what did not help. The rules are those of
// metrics/bottleneck.hpp (memory, CPU, throughput), of which those are followed whose remedy is one of these
// two settings.
//
// Operation. Asked once each aggregation window. A step is taken when a rule applies and the bounds allow it;
// after the next full window it is judged: it stays when the rule does not apply any more or what it is about
// has become better by a twentieth (throughput: messages stored a second; CPU: p95 of writes and queries;
// memory: its share of the limit), else it is taken back and not tried again for kRestWindows windows.
// A state machine without clock or thread; one caller at a time.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "holdfast/metrics/bottleneck.hpp"
#include "holdfast/metrics/tuning_probe.hpp"

namespace holdfast::flush {

using metrics::TuningOutcome;
using metrics::TuningStep;

struct Tuning {
  unsigned workers = 1;          // that take batches
  std::size_t batch_rounds = 5;  // buffer.hybrid_buffer.max_size
  bool operator==(const Tuning&) const = default;
};

struct TuningBounds {
  unsigned most_workers = 1;
  std::size_t least_rounds = 1, most_rounds = 50;
};

// What the configuration allows: from one worker up to max_flush_workers, and batches from a quarter to four
// times the configured size, within the range of the setting (1…50).
TuningBounds bounds_of(const Tuning& configured);

struct TuningDecision {
  TuningStep step{};
  TuningOutcome outcome{};
  Tuning tuning;  // from now on; unchanged where a step is kept
  std::string reason;
};

// The step that the first finding which auto_tune can do something about asks for, and the tuning it leads
// to; nothing within the bounds: none.
struct ProposedStep {
  TuningStep step{};
  metrics::Bottleneck because_of{};
  Tuning tuning;
  std::string reason;
};
std::optional<ProposedStep> propose_step(const Tuning& now, const TuningBounds& bounds,
                                         const metrics::Situation& situation);

class AutoTuner {
 public:
  static constexpr unsigned kRestWindows = 12;

  explicit AutoTuner(Tuning configured) : bounds_(bounds_of(configured)), tuning_(configured) {}

  const Tuning& tuning() const { return tuning_; }
  // situation: of the window that is over, its settings as they are now.
  std::optional<TuningDecision> window_over(const metrics::Situation& situation);

 private:
  struct Step {
    ProposedStep proposed;
    Tuning before;
    metrics::Situation situation;  // that asked for it
  };

  const TuningBounds bounds_;
  Tuning tuning_;
  std::optional<Step> on_trial_;
  metrics::PerLabel<TuningStep, unsigned> resting_;  // windows
};

}  // namespace holdfast::flush
