#pragma once

#include <chrono>

namespace holdfast::metrics {

struct Options {
  std::chrono::milliseconds collection_interval{5'000};  // one sample of the history each
  std::chrono::milliseconds aggregation_window{
      300'000};  // what rates and percentiles in health and stats cover; the rows of the history
  std::chrono::milliseconds retention_period{86'400'000};  // how far the history goes back
  std::chrono::milliseconds health_check_interval{30'000};
  double memory_usage_alert = 0.9;  // shares of the limit, 0…1, at which the health checks warn
  double cpu_usage_alert = 0.8;
  double io_wait_alert = 0.1;
};

}  // namespace holdfast::metrics
