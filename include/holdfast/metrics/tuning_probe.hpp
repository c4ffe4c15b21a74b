// What auto_tune did. Written by the monitor thread; read by anyone.
#pragma once

#include "holdfast/metrics/probes.hpp"

namespace holdfast::metrics {

enum class TuningStep : std::size_t { more_workers, fewer_workers, larger_batches, smaller_batches, count };
enum class TuningOutcome : std::size_t { applied, kept, backed_out, count };
std::string_view to_string(TuningStep);
std::string_view to_string(TuningOutcome);

struct TuningProbe {
  PerLabel<TuningStep, PerLabel<TuningOutcome, Counter>> steps;
};

}  // namespace holdfast::metrics
