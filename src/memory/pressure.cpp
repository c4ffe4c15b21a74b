#include "holdfast/memory/pressure.hpp"

#include <algorithm>
#include <cmath>

namespace holdfast::memory {

std::string_view to_string(Action action) {
  constexpr std::array<std::string_view, static_cast<std::size_t>(Action::count)> kNames{
      "batch_reduced",      "answer_not_cached",   "cache_shrunk",     "kept_in_journal", "copies_dropped",
      "asked_to_slow_down", "refused_above_share", "refused_big_body", "refused",         "allocator_purged"};
  return kNames[static_cast<std::size_t>(action)];
}

std::size_t BatchLimit::after(Level level, std::chrono::duration<double> passed) {
  constexpr std::array<double, 3> kFactorASecond{1.25, 0.8, 0.5};
  const bool at_once = level == Level::emergency;
  messages_ *= at_once ? 0 : std::pow(kFactorASecond[static_cast<std::size_t>(level)], passed.count());
  messages_ = std::clamp(messages_, kFloor, kMost);
  return static_cast<std::size_t>(messages_);
}

double cache_share(Level level) {
  constexpr std::array<double, 4> kShares{1.0, 0.75, 0.25, 0.0};
  return kShares[static_cast<std::size_t>(level)];
}

}  // namespace holdfast::memory
