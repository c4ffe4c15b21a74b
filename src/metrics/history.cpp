#include "holdfast/metrics/history.hpp"

namespace holdfast::metrics {
namespace {

using Value = std::optional<double>;

template <double Latency::*Percentile>
Value write(const Summary& summary) {
  return summary.write ? Value((*summary.write).*Percentile) : std::nullopt;
}

template <double Latency::*Percentile>
Value query(const Summary& summary) {
  return summary.query ? Value((*summary.query).*Percentile) : std::nullopt;
}

template <auto Member>
Value number(const Summary& summary) {
  return static_cast<double>(summary.*Member);
}

template <auto Member>
Value known(const Summary& summary) {
  return summary.*Member;
}

constexpr HistoryMetric kMetrics[] = {
    {"messages_per_minute", "messages/min", number<&Summary::messages_per_minute>},
    {"queries_per_minute", "queries/min", number<&Summary::queries_per_minute>},
    {"write_p50", "ms", write<&Latency::p50_ms>},
    {"write_p95", "ms", write<&Latency::p95_ms>},
    {"write_p99", "ms", write<&Latency::p99_ms>},
    {"query_p50", "ms", query<&Latency::p50_ms>},
    {"query_p95", "ms", query<&Latency::p95_ms>},
    {"query_p99", "ms", query<&Latency::p99_ms>},
    {"error_percentage", "percent", known<&Summary::error_percentage>},
    {"refused_requests", "requests", number<&Summary::refused_requests>},
    {"cache_hit_rate", "share", known<&Summary::cache_hit_rate>},
    {"memory_bytes", "bytes", known<&Summary::resident_bytes>},
    {"buffered_bytes", "bytes", number<&Summary::buffered_bytes>},
    {"buffer_utilization", "share", known<&Summary::buffer_utilization>},
    {"queued_batches", "batches", number<&Summary::queued_batches>},
    {"worker_utilization", "share", known<&Summary::worker_utilization>},
    {"shard_utilization", "share", known<&Summary::shard_utilization>},
    {"journal_utilization", "share", known<&Summary::journal_utilization>},
    {"cpu_share", "share", known<&Summary::cpu_share>},
    {"io_wait_share", "share", known<&Summary::io_wait_share>},
};

}  // namespace

std::span<const HistoryMetric> history_metrics() {
  return kMetrics;
}

}  // namespace holdfast::metrics
