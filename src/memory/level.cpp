#include "holdfast/memory/level.hpp"

#include <algorithm>

namespace holdfast::memory {
namespace {

constexpr double kWarningShare = 0.70, kCriticalShare = 0.90, kEmergencyShare = 1.0;
constexpr double kWarningRoom = 2.0, kCriticalRoom = 1.5, kEmergencyRoom = 1.0;  // times the minimum
constexpr double kShareSlack = 0.05;
constexpr double kRoomSlack = 1.1;
constexpr unsigned kCalmChecks = 3;
constexpr std::chrono::seconds kCalmTime{2};

Level level_of_share(double share) {
  if (share >= kEmergencyShare) return Level::emergency;
  if (share > kCriticalShare) return Level::critical;
  return share > kWarningShare ? Level::warning : Level::normal;
}

Level level_of_room(double room) {
  if (room < kEmergencyRoom) return Level::emergency;
  if (room < kCriticalRoom) return Level::critical;
  return room < kWarningRoom ? Level::warning : Level::normal;
}

// slack: as if every signal were that much worse.
Judgement judge_with(const Shares& shares, bool slack) {
  Judgement worst;
  for (std::size_t i = 0; i < static_cast<std::size_t>(Signal::count); ++i) {
    const auto signal = static_cast<Signal>(i);
    const auto& value = shares[signal];
    if (!value) continue;
    const auto level = signal == Signal::available ? level_of_room(slack ? *value / kRoomSlack : *value)
                                                   : level_of_share(slack ? *value + kShareSlack : *value);
    if (level > worst.level) worst = {level, signal};
  }
  return worst;
}

}  // namespace

std::string_view to_string(Level level) {
  constexpr std::array<std::string_view, 4> kNames{"normal", "warning", "critical", "emergency"};
  return kNames[static_cast<std::size_t>(level)];
}

std::string_view to_string(Signal signal) {
  constexpr std::array<std::string_view, 5> kNames{"accounted", "resident", "cgroup", "address_space",
                                                   "available"};
  return kNames[static_cast<std::size_t>(signal)];
}

Judgement judge(const Shares& shares) {
  return judge_with(shares, false);
}

Level LevelTracker::check(const Shares& shares, SteadyTime now) {
  const auto entered = judge(shares).level;
  if (entered >= level_) {
    level_ = entered;
    calm_checks_ = 0;
    return level_;
  }
  if (judge_with(shares, true).level >= level_) {
    calm_checks_ = 0;
    return level_;
  }
  if (calm_checks_++ == 0) calm_since_ = now;
  if (calm_checks_ >= kCalmChecks && now - calm_since_ >= kCalmTime) {
    level_ = static_cast<Level>(static_cast<std::size_t>(level_) - 1);
    calm_checks_ = 0;
  }
  return level_;
}

}  // namespace holdfast::memory
