#include "holdfast/metrics/memory_advice.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>

namespace holdfast::metrics {
namespace {

std::string mib(std::uint64_t bytes) {
  return fmt::format("{:.1f} MiB", static_cast<double>(bytes) / (1 << 20));
}

class Advice {
 public:
  void add(std::string_view setting, std::string text) {
    const bool known = std::any_of(list_.begin(), list_.end(),
                                   [&](const Suggestion& one) { return one.setting == setting; });
    if (!known) list_.push_back({setting, std::move(text)});
  }
  std::vector<Suggestion> take() { return std::move(list_); }

 private:
  std::vector<Suggestion> list_;
};

bool near_limit(const memory::Report& report) {
  using Seconds = std::chrono::duration<double>;
  return report.seconds_to_limit && Seconds(*report.seconds_to_limit) <= kSoon;
}

bool pressed(const memory::Report& report) {
  return report.level != memory::Level::normal || near_limit(report);
}

// What the level turns on; where it only lingers that is nothing, and where a limit is near it is resident
// memory that is about to be short.
void suggest_limit(const memory::Report& report, Advice& advice) {
  if (!report.cause && !near_limit(report)) return;
  switch (report.cause.value_or(memory::Signal::resident)) {
    case memory::Signal::accounted:
      return advice.add("memory.max_buffer_mb",
                        fmt::format("raise it, if the process may have more: {}",
                                    memory::describe(memory::Signal::accounted, report)));
    case memory::Signal::resident:
      return advice.add("memory.max_process_mb",
                        fmt::format("raise it, if the machine has more: {}",
                                    memory::describe(memory::Signal::resident, report)));
    case memory::Signal::cgroup:
    case memory::Signal::address_space:
    case memory::Signal::available:
    case memory::Signal::count:
      break;
  }
  advice.add("memory.max_buffer_mb", fmt::format("lower it, or give the machine or container more memory: {}",
                                                 memory::describe(*report.cause, report)));
}

}  // namespace

std::vector<Suggestion> suggest(const memory::Report& report,
                                const PerLabel<Component, std::uint64_t>& accounted,
                                std::uint64_t largest_user, std::uint64_t estimated_peak) {
  Advice advice;
  const auto sum = total(accounted);
  const auto buffered = accounted[Component::round_buffer] + accounted[Component::hybrid_buffer] +
                        accounted[Component::in_flight] + accounted[Component::operations];
  if (pressed(report)) {
    suggest_limit(report, advice);
    const auto part = [&](Component component, std::string_view setting, std::string_view what) {
      if (accounted[component] <= sum / 4) return;
      advice.add(setting, fmt::format("lower it: {} take {} of {} that are accounted for", what,
                                      mib(accounted[component]), mib(sum)));
    };
    part(Component::query_cache, "buffer.query.cache_size", "cached answers");
    part(Component::item_cache, "store.sqlite.cache_bytes", "the store's cached vectors");
    part(Component::requests, "server.limits.inflight_bytes", "requests");
    if (buffered > sum / 2) {
      advice.add(
          "memory.max_buffer_mb",
          fmt::format(
              "lower it, or see why the store is slow: the buffers take {} of {} that are accounted for",
              mib(buffered), mib(sum)));
    }
    if (estimated_peak > report.limits.process.bytes) {
      advice.add("memory.max_buffer_mb",
                 fmt::format("lower it: everything at its limit would take {}, and the process may take {}",
                             mib(estimated_peak), mib(report.limits.process.bytes)));
    }
  }
  if (largest_user > buffered / 2 && buffered > report.limits.buffers.bytes / 2) {
    advice.add("memory.user_share", fmt::format("lower it: one user has {} of the {} in the buffers",
                                                mib(largest_user), mib(buffered)));
  }
  return advice.take();
}

}  // namespace holdfast::metrics
