// The level as everybody reads it, what flush batches may hold at it, and how often each action was taken.
// Any thread; reading is one relaxed load.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "holdfast/memory/level.hpp"

namespace holdfast::memory {

enum class Action : std::size_t {
  batch_reduced,        // checks at which flush batches became smaller
  answer_not_cached,    // warning and above: the query cache takes nothing new
  cache_shrunk,         // a cache gave up what is over its share of the level
  kept_in_journal,      // rounds that went from the journal past memory
  copies_dropped,       // rounds that left memory while the store took nothing: the journal has them
  asked_to_slow_down,   // successful answers with Retry-After
  refused_above_share,  // 429
  refused_big_body,     // 503 before the body was read
  refused,              // 503 before the body was read, of any size
  allocator_purged,     // because the level is critical, or of fragmentation
  count
};
std::string_view to_string(Action);

// Messages of one store write: halves (critical) or loses a fifth (warning) a second, grows by a quarter a
// second at normal, is at its floor at once in an emergency.
class BatchLimit {
 public:
  static constexpr double kFloor = 64, kMost = 1024;
  std::size_t after(Level level, std::chrono::duration<double> passed);

 private:
  double messages_ = kMost;
};

// Share of its own limits that a cache keeps; below 1 it takes nothing new.
double cache_share(Level level);

class Pressure {
 public:
  Level level() const { return level_.load(std::memory_order_relaxed); }
  void set_level(Level level) { level_.store(level, std::memory_order_relaxed); }
  std::size_t batch_messages() const { return batch_messages_.load(std::memory_order_relaxed); }
  void set_batch_messages(std::size_t messages) {
    batch_messages_.store(messages, std::memory_order_relaxed);
  }
  void count(Action action, std::uint64_t times = 1) {
    actions_[static_cast<std::size_t>(action)].fetch_add(times, std::memory_order_relaxed);
  }
  std::uint64_t counted(Action action) const {
    return actions_[static_cast<std::size_t>(action)].load(std::memory_order_relaxed);
  }

 private:
  std::atomic<Level> level_{Level::normal};
  std::atomic<std::size_t> batch_messages_{static_cast<std::size_t>(BatchLimit::kMost)};
  std::array<std::atomic<std::uint64_t>, static_cast<std::size_t>(Action::count)> actions_{};
};

}  // namespace holdfast::memory
