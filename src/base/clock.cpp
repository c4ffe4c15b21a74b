#include "holdfast/base/clock.hpp"

#include <algorithm>

namespace holdfast {
namespace {

// The years that four digits can write.
constexpr std::chrono::sys_days kFirst{std::chrono::year{0} / 1 / 1};
constexpr std::chrono::sys_days kBehind{std::chrono::year{10'000} / 1 / 1};

class SystemClock final : public Clock {
 public:
  Timestamp now() const override {
    return std::chrono::time_point_cast<std::chrono::microseconds>(std::chrono::system_clock::now());
  }
  SteadyTime steady_now() const override { return std::chrono::steady_clock::now(); }
};

// Takes exactly `digits` decimal digits from the front.
bool take_number(std::string_view& text, int digits, int& value) {
  if (text.size() < static_cast<std::size_t>(digits)) return false;
  value = 0;
  for (int i = 0; i < digits; ++i) {
    const char c = text[static_cast<std::size_t>(i)];
    if (c < '0' || c > '9') return false;
    value = value * 10 + (c - '0');
  }
  text.remove_prefix(static_cast<std::size_t>(digits));
  return true;
}

bool take_char(std::string_view& text, std::string_view allowed) {
  if (text.empty() || allowed.find(text.front()) == std::string_view::npos) return false;
  text.remove_prefix(1);
  return true;
}

// ".5" and the like; digits past the sixth are dropped.
bool take_fraction(std::string_view& text, std::chrono::microseconds& fraction) {
  fraction = {};
  if (!take_char(text, ".,")) return true;
  int unit = 100'000;
  bool any = false;
  while (!text.empty() && text.front() >= '0' && text.front() <= '9') {
    fraction += std::chrono::microseconds{(text.front() - '0') * unit};
    unit /= 10;
    any = true;
    text.remove_prefix(1);
  }
  return any;
}

// "", "Z" or "+hh:mm".
bool take_zone(std::string_view& text, std::chrono::minutes& offset) {
  offset = {};
  if (text.empty() || take_char(text, "Zz")) return true;
  const bool negative = text.front() == '-';
  if (!take_char(text, "+-")) return false;
  int hours = 0, minutes = 0;
  if (!take_number(text, 2, hours)) return false;
  take_char(text, ":");
  if (!take_number(text, 2, minutes) || hours > 23 || minutes > 59) return false;
  offset = std::chrono::minutes{hours * 60 + minutes};
  if (negative) offset = -offset;
  return true;
}

}  // namespace

const Clock& system_clock() {
  static const SystemClock clock;
  return clock;
}

// A time from a file may be any.
std::string to_iso8601(Timestamp time) {
  time = std::clamp(time, Timestamp{kFirst}, Timestamp{kBehind} - Timestamp::duration{1});
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date{day};
  const std::chrono::hh_mm_ss clock{time - day};
  // By hand, as an answer has ten of them: with fmt they were 15 % of a cached query's time.
  std::string text = "0000-00-00T00:00:00.000000Z";
  const auto put = [&text](std::size_t end, auto number) {
    for (; number > 0; number /= 10) text[--end] = static_cast<char>('0' + number % 10);
  };
  put(4, static_cast<int>(date.year()));
  put(7, static_cast<unsigned>(date.month()));
  put(10, static_cast<unsigned>(date.day()));
  put(13, clock.hours().count());
  put(16, clock.minutes().count());
  put(19, clock.seconds().count());
  put(26, clock.subseconds().count());
  return text;
}

Result<Timestamp> parse_iso8601(std::string_view text) {
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;
  std::chrono::microseconds fraction{};
  std::chrono::minutes offset{};
  std::string_view rest = text;
  const bool shaped = take_number(rest, 4, year) && take_char(rest, "-") && take_number(rest, 2, month) &&
                      take_char(rest, "-") && take_number(rest, 2, day) && take_char(rest, "Tt ") &&
                      take_number(rest, 2, hour) && take_char(rest, ":") && take_number(rest, 2, minute) &&
                      take_char(rest, ":") && take_number(rest, 2, second) && take_fraction(rest, fraction) &&
                      take_zone(rest, offset) && rest.empty();
  const std::chrono::year_month_day date{std::chrono::year{year},
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!shaped || !date.ok() || hour > 23 || minute > 59 || second > 60) {
    return permanent("not an ISO 8601 date and time");
  }
  const Timestamp time{std::chrono::sys_days{date}.time_since_epoch() + std::chrono::hours{hour} +
                       std::chrono::minutes{minute} + std::chrono::seconds{second} + fraction - offset};
  // The zone can move it beyond.
  if (time < kFirst || time >= kBehind) return permanent("a time outside the years 0000 to 9999");
  return time;
}

}  // namespace holdfast
