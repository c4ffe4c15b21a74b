// The thresholds of the write buffers (defaults and ranges: the product's configuration table). Constant
// after start.
#pragma once

#include <chrono>
#include <cstddef>

namespace holdfast::buffer {

struct RoundBufferOptions {
  std::size_t max_tokens = 800;          // 100…5000; a round larger than this bypasses the round buffer
  std::size_t max_rounds = 5;            // 1…50 (max_size)
  double auto_transfer_threshold = 1.0;  // 0.1…1: the share of max_tokens that may be filled
};

enum class FlushStrategy { size_based, time_based, hybrid };

struct HybridBufferOptions {
  std::size_t max_rounds = 5;  // 1…50 (max_size)
  bool auto_flush = true;      // enable_auto_flush: flush at the interval
  std::chrono::milliseconds auto_flush_interval{60'000};
};

struct Options {
  RoundBufferOptions round;
  HybridBufferOptions hybrid;
  FlushStrategy strategy = FlushStrategy::hybrid;
  std::chrono::milliseconds flush_interval{
      60'000};  // a session's last round moves on after this much idleness
  std::chrono::milliseconds force_flush_timeout{
      1'800'000};  // everything moves on by this age, whatever the strategy
};

}  // namespace holdfast::buffer
