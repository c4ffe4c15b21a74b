#include "holdfast/memory/watch.hpp"

#include <spdlog/fmt/fmt.h>
#include <time.h>

#include <algorithm>
#include <utility>

#include "holdfast/base/allocator.hpp"
#include "holdfast/base/log.hpp"

namespace holdfast::memory {
namespace {

constexpr std::chrono::minutes kGrowthCovers{5};
constexpr std::chrono::seconds kBetweenPurges{10};

std::chrono::nanoseconds thread_cpu() {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

std::optional<double> ratio(const std::optional<std::uint64_t>& part, std::uint64_t of) {
  if (!part || of == 0) return std::nullopt;
  return static_cast<double>(*part) / static_cast<double>(of);
}

std::string mib(std::uint64_t bytes) {
  return fmt::format("{:.1f} MiB", static_cast<double>(bytes) / (1 << 20));
}

const char* consequence(Level level) {
  switch (level) {
    case Level::warning:
      return "flush batches and caches shrink, writers are asked to slow down";
    case Level::critical:
      return "what is buffered goes to the store, new rounds stay in the journal; "
             "users above their share get 429, large bodies 503";
    case Level::emergency:
      return "writes get 503 until it falls; what was acknowledged is safe";
    case Level::normal:
    case Level::count:
      break;
  }
  return "everything is taken again";
}

Shares shares_of(const Report& report) {
  const auto& readings = report.readings;
  Shares shares;
  shares[Signal::accounted] = ratio(report.accounted_bytes, report.limits.buffers.bytes);
  shares[Signal::resident] = ratio(readings.resident_bytes, report.limits.process.bytes);
  if (readings.cgroup) {
    shares[Signal::cgroup] = ratio(readings.cgroup->working_set_bytes, readings.cgroup->limit_bytes);
  }
  shares[Signal::address_space] =
      ratio(readings.virtual_bytes, readings.address_space_limit_bytes.value_or(0));
  shares[Signal::available] = ratio(readings.available_bytes(), report.limits.available.bytes);
  return shares;
}

}  // namespace

// "resident memory of 140.0 MiB is 78 % of its limit of 179.2 MiB (70 % of memory.max of cgroup /pod)"
std::string describe(Signal signal, const Report& report) {
  const auto& readings = report.readings;
  const auto percent = report.shares[signal].value_or(0) * 100;
  const auto of_limit = [&](const char* what, std::uint64_t bytes, const Limit& limit) {
    return fmt::format("{} of {} is {:.0f} % of its limit of {} ({})", what, mib(bytes), percent,
                       mib(limit.bytes), limit.origin);
  };
  switch (signal) {
    case Signal::accounted:
      return of_limit("memory for buffers, caches and requests", report.accounted_bytes,
                      report.limits.buffers);
    case Signal::resident:
      return of_limit("resident memory", readings.resident_bytes.value_or(0), report.limits.process);
    case Signal::cgroup: {
      const auto group = readings.cgroup.value_or(CgroupReading{});
      return of_limit("the working set", group.working_set_bytes,
                      {group.limit_bytes, "cgroup " + group.name});
    }
    case Signal::address_space:
      return of_limit("address space", readings.virtual_bytes.value_or(0),
                      {readings.address_space_limit_bytes.value_or(0), "RLIMIT_AS"});
    case Signal::available:
    case Signal::count:
      break;
  }
  return fmt::format("{} are available, {:.1f} times the minimum of {} ({})",
                     mib(readings.available_bytes().value_or(0)), percent / 100,
                     mib(report.limits.available.bytes), report.limits.available.origin);
}

std::string describe_transition(Level from, Level to, const Report& report) {
  const bool up = to > from;
  const auto why = report.cause ? ": " + describe(*report.cause, report) : "";
  return fmt::format("memory pressure {} from {} to {}{}; {}", up ? "rises" : "falls", to_string(from),
                     to_string(to), why, consequence(to));
}

Watch::Watch(const WatchOptions& options, const Sources& sources, std::function<std::uint64_t()> accounted,
             Pressure& pressure)
    : interval_(options.interval),
      defrag_threshold_(options.defrag_threshold),
      reader_(sources),
      started_with_(reader_.read()),
      accounted_(std::move(accounted)),
      pressure_(pressure),
      resident_growth_(kGrowthCovers),
      accounted_growth_(kGrowthCovers),
      limits_(choose_limits(options.limits, started_with_)) {}

void Watch::set_limits(const GivenLimits& given) {
  const std::lock_guard lock(mutex_);
  limits_ = choose_limits(given, started_with_);
}

Limits Watch::limits() const {
  const std::lock_guard lock(mutex_);
  return limits_;
}

bool Watch::check(SteadyTime now) {
  const auto began = thread_cpu();
  Report report;
  report.readings = reader_.read();
  report.accounted_bytes = accounted_();
  report.limits = limits();
  report.shares = shares_of(report);
  report.cause = judge(report.shares).cause;
  const auto before = tracker_.level();
  const auto level = report.level = tracker_.check(report.shares, now);

  const auto passed = last_check_ ? now - *last_check_ : SteadyTime::duration{};
  last_check_ = now;
  const auto messages = batch_limit_.after(level, passed);
  if (messages < pressure_.batch_messages()) pressure_.count(Action::batch_reduced);
  pressure_.set_batch_messages(messages);
  pressure_.set_level(level);
  report.fragmentation = fragmentation_of(report);
  purge_when_due(report, now);

  if (report.readings.resident_bytes) {
    resident_growth_.add(now, *report.readings.resident_bytes);
    report.seconds_to_limit = resident_growth_.seconds_until(report.limits.process.bytes);
    report.resident_growth = resident_growth_.bytes_a_second();
  }
  accounted_growth_.add(now, report.accounted_bytes);
  report.accounted_growth = accounted_growth_.bytes_a_second();
  if (level != before) {
    const auto line = describe_transition(before, level, report);
    level > before ? log::warn("{}", line) : log::info("{}", line);
  }
  const std::lock_guard lock(mutex_);
  report.checks = report_.checks + 1;
  report.cpu = report_.cpu + (thread_cpu() - began);
  report.entered = report_.entered;
  if (level != before) ++report.entered[static_cast<std::size_t>(level)];
  report_ = std::move(report);
  return level != before;
}

std::optional<double> Watch::fragmentation_of(const Report& report) {
  const auto resident = report.readings.resident_bytes.value_or(0);
  if (resident == 0) return std::nullopt;
  const auto unaccounted = resident - std::min(resident, report.accounted_bytes);
  const auto floor = std::min(unaccounted_floor_.value_or(unaccounted), unaccounted);
  unaccounted_floor_ = floor;
  return static_cast<double>(unaccounted - floor) / static_cast<double>(resident);
}

// What the allocator has not given back by itself. What is still there then is no fragmentation, so that a
// purge which gives nothing back is not made again and again.
void Watch::purge_when_due(const Report& report, SteadyTime now) {
  const bool due = report.level >= Level::critical || report.fragmentation.value_or(0) > defrag_threshold_;
  if (!due || (last_purge_ && now - *last_purge_ < kBetweenPurges)) return;
  last_purge_ = now;
  give_freed_memory_back();
  pressure_.count(Action::allocator_purged);
  const auto after = reader_.read().resident_bytes;
  if (after) unaccounted_floor_ = *after - std::min(*after, report.accounted_bytes);
}

std::chrono::milliseconds Watch::next_interval() const {
  const auto level = pressure_.level();
  const auto shorter = level == Level::normal    ? interval_
                       : level == Level::warning ? interval_ * 2 / 5
                                                 : interval_ / 5;
  return std::max(shorter, std::chrono::milliseconds(1));
}

Report Watch::report() const {
  const std::lock_guard lock(mutex_);
  return report_;
}

}  // namespace holdfast::memory
