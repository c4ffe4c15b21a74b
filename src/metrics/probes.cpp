#include "holdfast/metrics/probes.hpp"

namespace holdfast::metrics {

namespace {

// One name for each enumerator, in order; a missing or surplus name does not compile.
template <class Enum, std::size_t N>
std::string_view name_of(Enum label, const std::string_view (&names)[N]) {
  static_assert(N == static_cast<std::size_t>(Enum::count));
  const auto index = static_cast<std::size_t>(label);
  return index < N ? names[index] : std::string_view("unknown");
}

constexpr std::string_view kStages[] = {"round_buffer", "hybrid_buffer", "in_flight"};
constexpr std::string_view kTransferReasons[] = {"tokens", "rounds",  "oversized", "idle",
                                                 "force",  "request", "shutdown"};
constexpr std::string_view kFlushReasons[] = {"size",     "interval", "force",  "operation", "request",
                                              "shutdown", "replay",   "bypass", "memory"};
constexpr std::string_view kRefusalReasons[] = {
    "memory_budget",  "user_quota", "request_bytes", "flush_queue", "journal_queue",
    "journal_failed", "store",      "shutting_down", "connections", "memory_pressure"};
constexpr std::string_view kRetryReasons[] = {"store_retryable", "store_permanent"};
constexpr std::string_view kDeadReasons[] = {"session_gone", "store_refused"};
constexpr std::string_view kRoutes[] = {"users",         "agents",          "sessions",       "messages_add",
                                        "messages_read", "messages_change", "messages_batch", "query",
                                        "knowledge",     "health",          "buffer",         "metrics",
                                        "other"};
constexpr std::string_view kCacheOutcomes[] = {"hit", "similar", "speculative", "miss", "bypassed"};
constexpr std::string_view kTimedComponents[] = {
    "http_parse", "token_count", "journal_wait", "round",       "transfer",           "threshold_check",
    "flush",      "embedding",   "store",        "cache_check", "multi_source_query", "aggregation"};
constexpr std::string_view kEmbeddingFailures[] = {"connection", "timeout", "rate_limited", "status",
                                                   "refused",    "answer",  "circuit_open", "queue_full"};

}  // namespace

std::string_view to_string(Stage label) {
  return name_of(label, kStages);
}
std::string_view to_string(TransferReason label) {
  return name_of(label, kTransferReasons);
}
std::string_view to_string(FlushReason label) {
  return name_of(label, kFlushReasons);
}
std::string_view to_string(RefusalReason label) {
  return name_of(label, kRefusalReasons);
}
std::string_view to_string(RetryReason label) {
  return name_of(label, kRetryReasons);
}
std::string_view to_string(DeadReason label) {
  return name_of(label, kDeadReasons);
}
std::string_view to_string(Route label) {
  return name_of(label, kRoutes);
}
std::string_view to_string(CacheOutcome label) {
  return name_of(label, kCacheOutcomes);
}

std::string_view to_string(EmbeddingFailure label) {
  return name_of(label, kEmbeddingFailures);
}

Probes::Probes(std::size_t shard_count) {
  shards.reserve(shard_count);
  for (std::size_t i = 0; i < shard_count; ++i) shards.push_back(std::make_unique<ShardProbe>());
}

std::string_view to_string(TimedComponent label) {
  return name_of(label, kTimedComponents);
}

}  // namespace holdfast::metrics
