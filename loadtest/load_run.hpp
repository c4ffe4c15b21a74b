// One run of one step of a scenario against a daemon.
#pragma once

#include <sys/types.h>

#include <functional>
#include <nlohmann/json.hpp>

#include "http_client.hpp"
#include "scenario.hpp"

namespace loadtest {

struct Progress {
  double share = 0;  // 0…1 of warm-up and duration
  std::uint64_t requests = 0, errors = 0;
};

// Sets up users and sessions, warms up, measures and returns what it saw: the recorder's summary and
// `seconds`, `unanswered` (requests still open half a minute after the end), `daemon` {resident_mb: {start,
// peak, end}, cpu_cores: {mean, peak}}, `generator` {cpu_cores}, `series` (one object an interval: t,
// per_second, p99_ms, resident_mb, cpu_cores), `components`, `indicators`, `cache_hit_rate`, `health` (the
// checks of GET /health/performance) and `commit` (of the daemon). `daemon` 0: its process is not ours to
// read, and those figures are null. One thread makes the load: generator.cpu_cores near 1 says that it, not
// the daemon, was the limit.
nlohmann::json run_load(const Address& address, pid_t daemon, const Scenario& scenario,
                        const std::function<void(const Progress&)>& report_progress);

}  // namespace loadtest
