// What one run has seen: latencies by operation, answers by status, and the same over time.
#pragma once

#include <array>
#include <map>
#include <nlohmann/json.hpp>

#include "latency_histogram.hpp"
#include "pacer.hpp"
#include "requests.hpp"

namespace loadtest {

class Recorder {
 public:
  // Requests due before `begin` are warm-up and not counted.
  Recorder(Time begin, std::size_t messages_per_add) : begin_(begin), messages_per_add_(messages_per_add) {}

  // `status` 0: the connection failed.
  void answered(Operation operation, Time due, Time sent, Time done, unsigned status);
  // Given up: it was due, and never sent because the server was behind.
  void unsent(Operation operation, Time due, Time now);

  // Closes an interval of the series: {t, per_second, p99_ms} since the last one, p99 over all operations.
  nlohmann::json close_interval(Time now);
  std::uint64_t all() const { return all_; }
  std::uint64_t good() const { return good_; }

  // {operations, messages_per_second, messages_per_minute, requests_per_second, errors, unsent, error_share,
  // worst_p99_ms, send_delay_ms}: `seconds` is what the rates are divided by. Errors are by status,
  // "connection" among them; only 2xx count in rates.
  nlohmann::json summary(double seconds) const;

 private:
  struct PerOperation {
    LatencyHistogram latency;  // of every request, whatever its answer
    std::uint64_t good = 0;
  };

  Time begin_;
  std::size_t messages_per_add_;
  std::array<PerOperation, 3> operations_;
  LatencyHistogram send_delay_;  // how late requests were sent: the server was busy, or this program was
  LatencyHistogram interval_;
  Time interval_began_ = begin_;
  std::map<std::string, std::uint64_t> errors_;
  std::uint64_t all_ = 0, good_ = 0, unsent_ = 0;
};

// {count, mean, p50, p90, p95, p99, max} in milliseconds and the buckets [[end_ms, count]…].
nlohmann::json to_json(const LatencyHistogram& histogram);

}  // namespace loadtest
