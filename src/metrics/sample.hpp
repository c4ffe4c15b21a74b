// What a Moment holds, and what the difference of two says.
#pragma once

#include "holdfast/metrics/process_usage.hpp"
#include "holdfast/metrics/summary.hpp"
#include "holdfast/metrics/window.hpp"
#include "metrics/totals.hpp"

namespace holdfast::metrics {

struct Sample {
  SteadyTime time;
  Timestamp wall;
  Totals totals;
  ThreadUsage threads;
  ProcessUsage usage;
};

// All but what comes from counts.
Summary summarize_gauges(const Sample& now, const Capacity& capacity);
Summary summarize(const Sample& earlier, const Sample& later, const Capacity& capacity);
// What the kernel counts, of the time between these two.
void add_usage(const Sample& earlier, const Sample& later, const Capacity& capacity, Summary& summary);

}  // namespace holdfast::metrics
