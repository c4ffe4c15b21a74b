#include "keys.hpp"

#include <algorithm>
#include <array>
#include <boost/asio/ip/address.hpp>
#include <cmath>
#include <initializer_list>
#include <limits>
#include <numeric>
#include <utility>
#include <vector>

#include "holdfast/base/cpus.hpp"
#include "key_kinds.hpp"
#include "values.hpp"

namespace holdfast::settings {
namespace {

using std::chrono::milliseconds;
using S = Settings;

// The seed's table: 2–4 cores 2–3 workers, 4–8: 3–5, more: 5–8.
unsigned workers_for(unsigned cores) {
  if (cores <= 2) return 2;
  if (cores <= 4) return 3;
  if (cores <= 8) return std::min(5u, 3 + (cores - 4) / 2);
  return std::min(8u, 5 + (cores - 8) / 4);
}

Key flush_workers() {
  return {"buffer.performance.max_flush_workers", "3", "auto or a whole number from 1 to 64",
          [](std::string_view given, S& s) {
            const auto value = parse_integer(given);
            if (given != "auto" && (!value || *value < 1 || *value > 64)) return false;
            s.flush.workers = value ? static_cast<unsigned>(*value)
                                    : workers_for(static_cast<unsigned>(std::ceil(usable_cpus())));
            return true;
          }};
}

Key shard_count() {
  return {"server.shards", "auto", "auto or a whole number from 1 to 64", [](std::string_view given, S& s) {
            const auto value = parse_integer(given);
            if (given != "auto" && (!value || *value < 1 || *value > 64)) return false;
            s.shards = value ? static_cast<unsigned>(*value) : 0;
            return true;
          }};
}

bool is_host(std::string_view given) {
  boost::system::error_code error;
  boost::asio::ip::make_address(std::string(given), error);
  return !error || given == "localhost";
}

Key host() {
  return {"server.host", "127.0.0.1", "an IP address or localhost", [](std::string_view given, S& s) {
            if (is_host(given)) s.listen.host = given;
            return is_host(given);
          }};
}

void add_admin_keys(std::vector<Key>& t) {
  t.push_back({"server.admin.port", "none", "none (no listener of its own) or a whole number from 0 to 65535",
               [](std::string_view given, S& s) {
                 const auto value = parse_integer(given);
                 if (given != "none" && (!value || *value < 0 || *value > 65535)) return false;
                 if (value) s.admin = http::Endpoint{"127.0.0.1", static_cast<std::uint16_t>(*value)};
                 return true;
               }});
  // After the port, which decides whether there is such a listener.
  t.push_back(
      {"server.admin.host", "127.0.0.1", "an IP address or localhost", [](std::string_view given, S& s) {
         if (s.admin && is_host(given)) s.admin->host = given;
         return is_host(given);
       }});
}

void add_buffer_keys(std::vector<Key>& t) {
  t.push_back(boolean("buffer.enabled", "true", [](S& s, bool v) { s.buffer_enabled = v; }));
  t.push_back(text("buffer.token_counter.model", "gpt-4o-mini",
                   [](S& s, std::string v) { s.token_model = std::move(v); }));
  t.push_back(decimal("buffer.token_counter.fallback_multiplier", "1.3", 0.1, 10,
                      [](S& s, double v) { s.token_fallback_multiplier = v; }));
  t.push_back(whole("buffer.round_buffer.max_tokens", "800", 100, 5000,
                    [](S& s, std::int64_t v) { s.buffer.round.max_tokens = static_cast<std::size_t>(v); }));
  t.push_back(whole("buffer.round_buffer.max_size", "5", 1, 50,
                    [](S& s, std::int64_t v) { s.buffer.round.max_rounds = static_cast<std::size_t>(v); }));
  t.push_back(decimal("buffer.round_buffer.auto_transfer_threshold", "1.0", 0.1, 1.0,
                      [](S& s, double v) { s.buffer.round.auto_transfer_threshold = v; }));
  t.push_back(
      only("buffer.round_buffer.enable_session_tracking", "true", "rounds are always kept per session"));
  // After token_counter.model, so that it wins where it is given.
  t.push_back({"buffer.round_buffer.token_model", "same", "same (as token_counter.model) or a model's name",
               [](std::string_view given, S& s) {
                 if (given != "same") s.token_model = given;
                 return !given.empty();
               }});
  t.push_back(whole("buffer.hybrid_buffer.max_size", "5", 1, 50,
                    [](S& s, std::int64_t v) { s.buffer.hybrid.max_rounds = static_cast<std::size_t>(v); }));
  t.push_back(choice("buffer.hybrid_buffer.chunk_strategy", "message", {"message", "contextual"},
                     [](S& s, std::size_t v) { s.chunk_strategy = static_cast<text::ChunkStrategy>(v); }));
  t.push_back(decimal("buffer.hybrid_buffer.chunk_overlap", "0.1", 0, 0.5,
                      [](S& s, double v) { s.flush.chunking.overlap = s.sqlite.chunking.overlap = v; }));
  t.push_back(only("buffer.hybrid_buffer.embedding_model", "builtin",
                   "of the provider builtin; embedding.openai.model names the other's"));
  t.push_back(boolean("buffer.hybrid_buffer.enable_auto_flush", "true",
                      [](S& s, bool v) { s.buffer.hybrid.auto_flush = v; }));
  t.push_back(duration("buffer.hybrid_buffer.auto_flush_interval", "60s", "10ms", "24h",
                       [](S& s, milliseconds v) { s.buffer.hybrid.auto_flush_interval = v; }));
}

void add_speculative_keys(std::vector<Key>& t) {
  t.push_back(
      boolean("buffer.speculative_buffer.enabled", "false", [](S& s, bool v) { s.speculation.enabled = v; }));
  t.push_back(whole("buffer.speculative_buffer.max_size", "1000", 10, 100'000,
                    [](S& s, std::int64_t v) { s.speculation.entries = static_cast<std::size_t>(v); }));
  t.push_back(whole("buffer.speculative_buffer.context_window", "5", 1, 20, [](S& s, std::int64_t v) {
    s.speculation.context_window = static_cast<std::size_t>(v);
  }));
  t.push_back(only("buffer.speculative_buffer.prediction_strategy", "semantic_similarity",
                   "the texts of the last messages, compared by their vectors"));
  t.push_back(decimal("buffer.speculative_buffer.prediction_threshold", "0.7", 0.5, 1.0,
                      [](S& s, double v) { s.speculation.threshold = v; }));
  t.push_back(boolean("buffer.speculative_buffer.enable_learning", "true",
                      [](S& s, bool v) { s.speculation.learn = v; }));
}

void add_query_keys(std::vector<Key>& t) {
  t.push_back(whole("buffer.query.max_size", "15", 1, 1000,
                    [](S& s, std::int64_t v) { s.cache.results_per_entry = static_cast<std::size_t>(v); }));
  t.push_back(whole("buffer.query.cache_size", "100", 10, 100'000,
                    [](S& s, std::int64_t v) { s.cache.entries = static_cast<std::size_t>(v); }));
  t.push_back(
      duration("buffer.query.cache_ttl", "300s", "0s", "24h", [](S& s, milliseconds v) { s.cache.ttl = v; }));
  t.push_back(decimal("buffer.query.similarity_threshold", "0.95", 0.5, 1.0,
                      [](S& s, double v) { s.cache.similarity_threshold = v; }));
  t.push_back(
      decimal("buffer.query.max_error", "0.02", 0.0, 1.0, [](S& s, double v) { s.cache.max_error = v; }));
  t.push_back(decimal("buffer.query.verify_fraction", "0.02", 0.0, 1.0,
                      [](S& s, double v) { s.cache.verify_fraction = v; }));
  t.push_back(choice("buffer.query.default_sort_by", "score", {"score", "timestamp"},
                     [](S& s, std::size_t v) { s.sort_results = static_cast<SortResults>(v); }));
  t.push_back(choice("buffer.query.default_order", "desc", {"asc", "desc"},
                     [](S& s, std::size_t v) { s.results_descending = v == 1; }));
  t.push_back(
      boolean("buffer.query.enable_session_queries", "true", [](S& s, bool v) { s.session_queries = v; }));
}

void add_flush_keys(std::vector<Key>& t) {
  t.push_back(flush_workers());
  t.push_back(whole("buffer.performance.max_flush_queue_size", "100", 1, 100'000,
                    [](S& s, std::int64_t v) { s.flush.queue_size = static_cast<std::size_t>(v); }));
  t.push_back(duration("buffer.performance.flush_timeout", "30s", "5s", "300s",
                       [](S& s, milliseconds v) { s.flush.flush_timeout = v; }));
  t.push_back(choice("buffer.performance.flush_strategy", "hybrid", {"size_based", "time_based", "hybrid"},
                     [](S& s, std::size_t v) { s.buffer.strategy = static_cast<buffer::FlushStrategy>(v); }));
  t.push_back(duration("buffer.performance.flush_interval", "60s", "10ms", "24h",
                       [](S& s, milliseconds v) { s.buffer.flush_interval = v; }));
  t.push_back(duration("buffer.performance.force_flush_timeout", "1800s", "10ms", "48h",
                       [](S& s, milliseconds v) { s.buffer.force_flush_timeout = v; }));
  t.push_back(boolean("buffer.performance.auto_tune", "false", [](S& s, bool v) { s.auto_tune = v; }));
  t.push_back(whole("buffer.performance.batch_write_threshold", "5", 1, 1000, [](S& s, std::int64_t v) {
    s.flush.batch_write_threshold = static_cast<std::size_t>(v);
  }));
  t.push_back(whole("buffer.performance.retry_attempts", "3", 0, 100,
                    [](S& s, std::int64_t v) { s.flush.retry_attempts = static_cast<unsigned>(v); }));
  t.push_back(duration("buffer.performance.retry_delay", "1s", "1ms", "30s",
                       [](S& s, milliseconds v) { s.flush.retry_delay = v; }));
}

void add_monitoring_keys(std::vector<Key>& t) {
  t.push_back(choice("buffer.monitoring.log_level", "INFO", {"DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"},
                     [](S& s, std::size_t v) {
                       static constexpr std::array kLevels{"DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"};
                       s.log_level = kLevels[v];
                     }));
  t.push_back(duration("buffer.monitoring.health_check_interval", "30s", "100ms", "1h",
                       [](S& s, milliseconds v) { s.metrics.health_check_interval = v; }));
  t.push_back(duration("buffer.monitoring.collection_interval", "5s", "10ms", "1h",
                       [](S& s, milliseconds v) { s.metrics.collection_interval = v; }));
  t.push_back(duration("buffer.monitoring.aggregation_window", "300s", "100ms", "24h",
                       [](S& s, milliseconds v) { s.metrics.aggregation_window = v; }));
  t.push_back(duration("buffer.monitoring.retention_period", "24h", "1s", "720h",
                       [](S& s, milliseconds v) { s.metrics.retention_period = v; }));
  t.push_back(decimal("buffer.monitoring.alert_threshold.memory_usage", "0.9", 0, 1,
                      [](S& s, double v) { s.metrics.memory_usage_alert = v; }));
  t.push_back(decimal("buffer.monitoring.alert_threshold.cpu_usage", "0.8", 0, 1,
                      [](S& s, double v) { s.metrics.cpu_usage_alert = v; }));
  t.push_back(decimal("buffer.monitoring.alert_threshold.io_wait", "0.1", 0, 1,
                      [](S& s, double v) { s.metrics.io_wait_alert = v; }));
  t.push_back(choice("logging.format", "text", {"text", "json"},
                     [](S& s, std::size_t v) { s.log_format = static_cast<log::Format>(v); }));
}

void add_storage_keys(std::vector<Key>& t) {
  t.push_back(text("journal.dir", "data/journal", [](S& s, std::string v) { s.journal.dir = std::move(v); }));
  t.push_back(choice("journal.durability", "fsync", {"none", "os", "fsync"}, [](S& s, std::size_t v) {
    s.journal.durability = static_cast<journal::Durability>(v);
  }));
  t.push_back(size("journal.segment_size", "64MiB", "1MiB", "1GiB",
                   [](S& s, std::uint64_t v) { s.journal.segment_bytes = v; }));
  t.push_back(duration("journal.sync_interval", "200ms", "1ms", "10s",
                       [](S& s, milliseconds v) { s.journal.sync_interval = v; }));
  t.push_back(size("journal.max_bytes", "8GiB", "4MiB", "1000GiB",
                   [](S& s, std::uint64_t v) { s.journal.max_bytes = v; }));
  t.push_back(duration("journal.idempotency_window", "10m", "0s", "24h",
                       [](S& s, milliseconds v) { s.journal.key_window = v; }));
  t.push_back(only("store.kind", "sqlite", "the only store of this version"));
  t.push_back(text("store.sqlite.path", "data/holdfast.db",
                   [](S& s, std::string v) { s.sqlite.path = std::move(v); }));
  t.push_back(size("store.sqlite.cache_bytes", "128MiB", "0", "64GiB",
                   [](S& s, std::uint64_t v) { s.sqlite.max_cached_bytes = v; }));
}

void add_memory_keys(std::vector<Key>& t) {
  using memory::GivenLimits;
  const auto limit = [&](std::string_view path, std::uint64_t GivenLimits::*to) {
    t.push_back(whole(path, "0", 0, 1'000'000, [to](S& s, std::int64_t v) {
      s.memory.limits.*to = static_cast<std::uint64_t>(v) << 20;
    }));
  };
  limit("memory.max_buffer_mb", &GivenLimits::buffer_bytes);
  limit("memory.max_process_mb", &GivenLimits::process_bytes);
  limit("memory.min_system_available_mb", &GivenLimits::available_bytes);
  t.push_back(choice("memory.sizing", "automatic",
                     {"automatic", "data_pipeline", "analytics", "ml_training", "batch_processing"},
                     [](S& s, std::size_t v) { s.memory.limits.sizing = static_cast<memory::Sizing>(v); }));
  t.push_back(duration("memory.check_interval", "250ms", "10ms", "10s",
                       [](S& s, milliseconds v) { s.memory.interval = v; }));
  t.push_back(choice("memory.mode", "balanced", {"performance", "balanced", "safety"},
                     [](S& s, std::size_t v) { s.memory.mode = static_cast<memory::Mode>(v); }));
  t.push_back(
      size("memory.pool_size", "16MiB", "0", "4GiB", [](S& s, std::uint64_t v) { s.limits.pool_bytes = v; }));
  t.push_back(decimal("memory.defrag_threshold", "0.3", 0.05, 1,
                      [](S& s, double v) { s.memory.defrag_threshold = v; }));
  t.push_back(decimal("memory.user_share", "0.25", 0.01, 1, [](S& s, double v) { s.user_share = v; }));
}

void add_transfer_keys(std::vector<Key>& t) {
  t.push_back(size("memory.operation_limit", "100MB", "16MiB", "64GiB",
                   [](S& s, std::uint64_t v) { s.transfer.operation_limit = v; }));
  t.push_back(whole("memory.streaming.chunk_size", "1000", 1, 100'000,
                    [](S& s, std::int64_t v) { s.transfer.chunk_size = static_cast<std::size_t>(v); }));
  t.push_back(size("memory.streaming.buffer_size", "1MiB", "4KiB", "64MiB",
                   [](S& s, std::uint64_t v) { s.transfer.buffer_size = v; }));
  t.push_back(whole("memory.streaming.max_concurrent", "4", 1, 64,
                    [](S& s, std::int64_t v) { s.transfer.max_concurrent = static_cast<std::size_t>(v); }));
  t.push_back(decimal("memory.streaming.backpressure_threshold", "0.8", 0.1, 0.9,
                      [](S& s, double v) { s.transfer.backpressure_threshold = v; }));
}

void add_embedding_keys(std::vector<Key>& t) {
  t.push_back(choice("embedding.provider", "builtin", {"builtin", "openai"},
                     [](S& s, std::size_t v) { s.embedding.remote = v == 1; }));
  t.push_back({"embedding.openai.base_url", "http://127.0.0.1:11434/v1",
               "an http:// or https:// URL without user, query or fragment",
               [](std::string_view given, S& s) {
                 auto endpoint = parse_endpoint(given);
                 if (endpoint) s.embedding.endpoint = std::move(*endpoint);
                 return endpoint.has_value();
               }});
  t.push_back(text("embedding.openai.model", "nomic-embed-text",
                   [](S& s, std::string v) { s.embedding.model = std::move(v); }));
  t.push_back(optional_text("embedding.openai.api_key_env",
                            [](S& s, std::string v) { s.embedding.api_key_env = std::move(v); }));
  t.push_back(whole("embedding.openai.dimensions", "768", 1, 8192,
                    [](S& s, std::int64_t v) { s.embedding.dimensions = static_cast<std::size_t>(v); }));
  t.push_back(duration("embedding.openai.timeout", "10s", "10ms", "120s",
                       [](S& s, milliseconds v) { s.embedding.timeout = v; }));
  t.push_back(whole("embedding.openai.max_batch", "64", 1, 2048,
                    [](S& s, std::int64_t v) { s.embedding.max_batch = static_cast<std::size_t>(v); }));
  t.push_back(whole("embedding.openai.max_tokens", "2048", 32, 1'000'000,
                    [](S& s, std::int64_t v) { s.embedding.max_tokens = static_cast<std::size_t>(v); }));
}

void add_server_keys(std::vector<Key>& t) {
  t.push_back(host());
  t.push_back(whole("server.port", "8000", 0, 65535,
                    [](S& s, std::int64_t v) { s.listen.port = static_cast<std::uint16_t>(v); }));
  t.push_back(shard_count());
  t.push_back(
      duration("server.drain_delay", "0s", "0s", "10s", [](S& s, milliseconds v) { s.drain_delay = v; }));
  t.push_back(duration("server.drain_timeout", "20s", "0s", "24s",
                       [](S& s, milliseconds v) { s.drain_timeout = v; }));
  add_admin_keys(t);
  t.push_back(
      optional_text("server.tls.cert", [](S& s, std::string v) { s.tls_certificate = std::move(v); }));
  t.push_back(optional_text("server.tls.key", [](S& s, std::string v) { s.tls_key = std::move(v); }));
  using L = http::Limits;
  const auto bytes = [&](std::string_view path, std::string_view initial, std::string_view most,
                         std::size_t L::*to) {
    t.push_back(size(path, initial, "1KiB", most, [to](S& s, std::uint64_t v) { s.limits.*to = v; }));
  };
  const auto count = [&](std::string_view path, std::string_view initial, std::int64_t most,
                         std::size_t L::*to) {
    t.push_back(whole(path, initial, 1, most,
                      [to](S& s, std::int64_t v) { s.limits.*to = static_cast<std::size_t>(v); }));
  };
  const auto time = [&](std::string_view path, std::string_view initial, milliseconds L::*to) {
    t.push_back(duration(path, initial, "10ms", "1h", [to](S& s, milliseconds v) { s.limits.*to = v; }));
  };
  bytes("server.limits.header_bytes", "8KiB", "1MiB", &L::header_bytes);
  count("server.limits.header_fields", "64", 1000, &L::header_fields);
  bytes("server.limits.body_bytes", "1MiB", "1GiB", &L::body_bytes);
  bytes("server.limits.bulk_body_bytes", "64MiB", "1GiB", &L::bulk_body_bytes);
  bytes("server.limits.message_bytes", "256KiB", "64MiB", &L::message_bytes);
  count("server.limits.batch_messages", "1000", 100'000, &L::batch_messages);
  bytes("server.limits.inflight_bytes", "256MiB", "64GiB", &L::inflight_bytes);
  count("server.limits.connections", "4096", 1'000'000, &L::connections);
  time("server.limits.header_timeout", "5s", &L::header_timeout);
  time("server.limits.body_timeout", "10s", &L::body_timeout);
  time("server.limits.idle_timeout", "30s", &L::idle_timeout);
  t.push_back(boolean("auth.enabled", "false", [](S& s, bool v) { s.auth_enabled = v; }));
  t.push_back(optional_text("auth.keys_file", [](S& s, std::string v) { s.keys_file = std::move(v); }));
}

std::vector<Key> make_table() {
  std::vector<Key> table;
  table.push_back(choice("profile", "balanced",
                         {"balanced", "high_throughput", "low_latency", "memory_constrained",
                          "high_frequency_queries", "development", "testing"},
                         [](S&, std::size_t) {}));
  add_buffer_keys(table);
  add_query_keys(table);
  add_speculative_keys(table);
  add_flush_keys(table);
  add_monitoring_keys(table);
  add_storage_keys(table);
  add_memory_keys(table);
  add_transfer_keys(table);
  add_embedding_keys(table);
  add_server_keys(table);
  return table;
}

const std::vector<Key>& table() {
  static const std::vector<Key> kTable = make_table();
  return kTable;
}

// By path, for finding.
const std::vector<const Key*>& sorted_table() {
  static const std::vector<const Key*> kSorted = [] {
    std::vector<const Key*> sorted;
    for (const auto& key : table()) sorted.push_back(&key);
    std::ranges::sort(sorted, {}, &Key::path);
    return sorted;
  }();
  return kSorted;
}

// The first key that does not come before path.
auto lower_bound(std::string_view path) {
  return std::ranges::lower_bound(sorted_table(), path, {}, &Key::path);
}

// Levenshtein's.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    auto diagonal = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const auto replaced = diagonal + (a[i - 1] != b[j - 1]);
      diagonal = row[j];
      row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row.back();
}

constexpr std::array<std::string_view, 4> kPlanned{
    "buffer.performance.enable_async_processing", "buffer.monitoring.enable_stats",
    "buffer.monitoring.performance_tracking", "store.postgres"};

}  // namespace

std::span<const Key> keys() {
  return table();
}

const Key* find_key(std::string_view path) {
  const auto found = lower_bound(path);
  return found != sorted_table().end() && (*found)->path == path ? *found : nullptr;
}

bool is_section(std::string_view path) {
  const auto within = std::string(path) + '.';
  const auto found = lower_bound(within);
  return found != sorted_table().end() && (*found)->path.starts_with(within);
}

// What a running daemon takes over: everything that is one value read anew by each request or each deadline.
bool is_live(std::string_view path) {
  constexpr std::array<std::string_view, 23> kLive{"profile",
                                                   "buffer.enabled",
                                                   "buffer.round_buffer.max_tokens",
                                                   "buffer.round_buffer.max_size",
                                                   "buffer.round_buffer.auto_transfer_threshold",
                                                   "buffer.hybrid_buffer.max_size",
                                                   "buffer.hybrid_buffer.enable_auto_flush",
                                                   "buffer.hybrid_buffer.auto_flush_interval",
                                                   "buffer.query.",
                                                   "buffer.speculative_buffer.",
                                                   "buffer.performance.flush_strategy",
                                                   "buffer.performance.flush_interval",
                                                   "buffer.performance.force_flush_timeout",
                                                   "buffer.performance.retry_attempts",
                                                   "buffer.performance.retry_delay",
                                                   "buffer.monitoring.log_level",
                                                   "memory.max_buffer_mb",
                                                   "memory.user_share",
                                                   "server.limits.",
                                                   "server.tls.",
                                                   "auth.",
                                                   "server.drain_delay",
                                                   "server.drain_timeout"};
  return std::any_of(kLive.begin(), kLive.end(), [&](std::string_view live) {
    return path == live || (live.back() == '.' && path.starts_with(live));
  });
}

bool is_planned(std::string_view path) {
  return std::any_of(kPlanned.begin(), kPlanned.end(), [&](std::string_view planned) {
    return path == planned || (path.starts_with(planned) && path[planned.size()] == '.');
  });
}

std::string_view nearest_key(std::string_view path) {
  path = path.substr(0, 64);  // no key's path is as long
  const auto name = [](std::string_view of) { return of.substr(of.rfind('.') + 1); };
  const bool known_name = std::any_of(table().begin(), table().end(),
                                      [&](const auto& key) { return name(key.path) == name(path); });
  std::string_view nearest;
  // What would have to be written anew is not near, but where the name is right and only its section wrong.
  auto least = known_name ? std::string_view::npos : path.size();
  for (const auto& key : table()) {
    if (known_name && name(key.path) != name(path)) continue;
    const auto longer = std::max(path.size(), key.path.size()),
               shorter = std::min(path.size(), key.path.size());
    if (longer - shorter >= least) continue;  // no nearer
    const auto distance = edit_distance(path, key.path);
    if (distance < least) {
      least = distance;
      nearest = key.path;
    }
  }
  return nearest;
}

}  // namespace holdfast::settings
