#include "holdfast/http/status.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "holdfast/metrics/accounted.hpp"
#include "holdfast/metrics/proportion.hpp"
#include "memory_status.hpp"
#include "performance_status.hpp"

namespace holdfast::http {
namespace {

using Json = nlohmann::ordered_json;
using metrics::Stage;
using std::chrono::duration;
using std::chrono::milliseconds;

// Where the latency and error checks turn: what somebody who waits for an answer notices. The alert rules in
// deploy/prometheus turn earlier, at what was measured on one machine (loadtest/report/calibration.yaml).
constexpr double kSlowP95Ms = 250, kFailingP95Ms = 2000;
constexpr double kManyErrors = 1, kFailingErrors = 10;  // percent of the answers
constexpr double kQueueNearlyFull = 0.9;

enum class Health { pass, warn, fail };
constexpr const char* kHealthNames[] = {"pass", "warn", "fail"};

struct Check {
  Health status = Health::pass;
  Json entry = Json::object();
};

Check check(const char* component, Json observed, const char* unit, Health status, std::string output = {}) {
  Check made{status, Json::object()};
  made.entry["componentType"] = component;
  made.entry["observedValue"] = std::move(observed);
  if (*unit) made.entry["observedUnit"] = unit;
  made.entry["status"] = kHealthNames[static_cast<int>(status)];
  if (!output.empty()) made.entry["output"] = std::move(output);
  made.entry["time"] = to_iso8601(system_clock().now());
  return made;
}

using Checks = std::vector<std::pair<std::string, std::vector<Check>>>;

Reply health_reply(const std::string& version, const char* description, const Checks& checks) {
  auto worst = Health::pass;
  Json entries = Json::object();
  for (const auto& [name, list] : checks) {
    for (const auto& one : list) {
      worst = std::max(worst, one.status);
      entries[name].push_back(one.entry);
    }
  }
  Json document;
  document["status"] = kHealthNames[static_cast<int>(worst)];
  document["version"] = version;
  document["description"] = description;
  if (!entries.empty()) document["checks"] = std::move(entries);
  return {worst == Health::fail ? 503u : 200u, document.dump(), "application/health+json", {}};
}

Health above(double value, double warn, double fail) {
  return value >= fail ? Health::fail : value >= warn ? Health::warn : Health::pass;
}

Json or_null(const std::optional<double>& value) {
  return value ? Json(*value) : Json(nullptr);
}

struct Totals {
  std::uint64_t tokens = 0, rounds = 0, dirty_sessions = 0, messages = 0, stored = 0, backlog = 0,
                transfers = 0, joined_searches = 0;
};

Totals add_up(const metrics::Probes& probes) {
  Totals sum;
  for (const auto& shard : probes.shards) {
    sum.tokens += shard->round_tokens.value();
    sum.rounds += shard->buffered_rounds.value();
    sum.dirty_sessions += shard->dirty_sessions.value();
    sum.messages += shard->messages.value();
    sum.stored += shard->stored_messages.value();
    sum.backlog += shard->backlog_messages.value();
    for (std::size_t i = 0; i < shard->transfers.size(); ++i) {
      sum.transfers += shard->transfers[static_cast<metrics::TransferReason>(i)].value();
    }
    sum.joined_searches += shard->searches_joined.value();
  }
  return sum;
}

// Of one kind of answers that are kept.
struct CacheTotals {
  std::uint64_t entries = 0, bytes = 0, hits = 0, merged = 0, verified = 0, false_hits = 0, threshold_ppm = 0;

  double threshold() const { return static_cast<double>(threshold_ppm) / 1e6; }
};

// hits: the outcome that is counted.
CacheTotals add_up(const metrics::Probes& probes, metrics::AnswerCacheProbe metrics::ShardProbe::*cache,
                   metrics::CacheOutcome hits) {
  CacheTotals sum;
  for (const auto& shard : probes.shards) {
    const auto& one = (*shard).*cache;
    sum.entries += one.entries.value();
    sum.bytes += one.bytes.value();
    sum.hits += shard->cache[hits].value();
    sum.merged += one.merged.value();
    sum.verified += one.verified.value();
    sum.false_hits += one.false_hits.value();
    sum.threshold_ppm = std::max(sum.threshold_ppm, one.threshold_ppm.value());
  }
  return sum;
}

CacheTotals add_up_query_cache(const metrics::Probes& probes) {
  return add_up(probes, &metrics::ShardProbe::query_cache, metrics::CacheOutcome::similar);
}

Json query_buffer(const cache::Options& options, const CacheTotals& cache, std::uint64_t joined_searches,
                  std::optional<double> hit_rate) {
  const auto false_hits = metrics::wilson_interval(cache.false_hits, cache.verified);
  return {{"cache_size", options.entries},
          {"cache_entries", cache.entries},
          {"cache_memory", cache.bytes},
          {"hit_rate", or_null(hit_rate)},
          {"similar_hits", cache.hits},
          {"merged_hits", cache.merged},
          {"joined_searches", joined_searches},
          {"verified_hits", cache.verified},
          {"false_hits", cache.false_hits},
          {"false_hit_rate", {{"lower", false_hits.low}, {"upper", false_hits.high}}},
          {"similarity_threshold", cache.threshold()}};
}

Json speculative_buffer(const cache::SpeculationOptions& options, const metrics::Probes& probes) {
  const auto buffer =
      add_up(probes, &metrics::ShardProbe::speculative_buffer, metrics::CacheOutcome::speculative);
  std::uint64_t predicted = 0;
  for (const auto& shard : probes.shards) predicted += shard->predicted_queries.value();
  return {{"enabled", options.enabled},
          {"predicted_queries", predicted},
          {"entries", buffer.entries},
          {"memory", buffer.bytes},
          {"hits", buffer.hits},
          {"verified_hits", buffer.verified},
          {"false_hits", buffer.false_hits},
          {"threshold", buffer.threshold()}};
}

// Entries as large as those there are, or max_bytes where there are none yet.
std::uint64_t most_cached(const cache::Options& options, const CacheTotals& cache) {
  if (cache.entries == 0) return options.max_bytes;
  return std::min<std::uint64_t>(options.max_bytes, options.entries * (cache.bytes / cache.entries));
}

std::string_view mode_name(const engine::Options& options) {
  return options.mode == engine::Mode::bypass ? "bypass" : "buffer";
}

Json calls_per_1000(const metrics::Probes& probes, std::uint64_t stored) {
  if (stored == 0) return nullptr;
  return 1000.0 * static_cast<double>(probes.flush.writes.value()) / static_cast<double>(stored);
}

Check journal_check(const metrics::JournalProbe& journal) {
  if (journal.failed.value() != 0) {
    return check("journal", "failed", "", Health::fail,
                 "a write or sync failed: nothing more is accepted until a restart");
  }
  if (journal.full.value() != 0) {
    return check("journal", "full", "", Health::fail,
                 "messages are refused: the disk or journal.max_bytes has no room for them");
  }
  if (journal.damaged_regions.value() != 0) {
    return check("journal", "damaged", "", Health::warn,
                 "the last start found damage: operations with LSN " +
                     std::to_string(journal.first_lost_lsn.value()) + " to " +
                     std::to_string(journal.last_lost_lsn.value()) +
                     " may be lost; the bytes were set aside");
  }
  if (journal.reserve_missing.value() != 0) {
    return check("journal", "nearly full", "", Health::warn, "the disk has no space for another segment");
  }
  return check("journal", "ok", "", Health::pass);
}

Check dead_letter_check(std::size_t count) {
  return check("dead_letters", count, "messages", count > 0 ? Health::warn : Health::pass,
               count > 0 ? "the store refuses them for good: see /api/v1/dead-letters" : "");
}

Check store_check(const service::StoreWatch::State& store, bool refuses_writes, milliseconds limit) {
  if (store.unanswered_since) {
    const auto waits = system_clock().steady_now() - *store.unanswered_since;
    if (waits > limit) {
      return check("datastore", duration<double>(waits).count(), "s", Health::warn,
                   "the store does not answer; messages are kept in the journal until it does");
    }
  }
  if (!store.error.empty()) return check("datastore", "failing", "", Health::warn, store.error);
  if (refuses_writes) {
    return check("datastore", "refusing writes", "", Health::warn,
                 "writes to the store fail; messages are kept in the journal until it takes them");
  }
  return check("datastore", store.took.count(), "ms", Health::pass);
}

// Under pressure the daemon still does its work, until it takes nothing more.
Health health_of(memory::Level level) {
  return level == memory::Level::normal      ? Health::pass
         : level == memory::Level::emergency ? Health::fail
                                             : Health::warn;
}

std::string unreadable_sources(const memory::Report& report) {
  std::string text;
  for (const auto& source : report.readings.unreadable) {
    text += (text.empty() ? "left out because they cannot be read: " : ", ") + source;
  }
  return text;
}

std::vector<Check> latency_checks(const std::optional<metrics::Latency>& latency, const char* what) {
  if (!latency) return {check(what, nullptr, "ms", Health::pass, "nothing measured in the window")};
  const auto status = above(latency->p95_ms, kSlowP95Ms, kFailingP95Ms);
  const Json observed = {{"p50", latency->p50_ms}, {"p90", latency->p90_ms},   {"p95", latency->p95_ms},
                         {"p99", latency->p99_ms}, {"mean", latency->mean_ms}, {"count", latency->count}};
  return {check(
      what, observed, "ms", status,
      status == Health::pass ? "" : "p95 is above " + std::to_string(static_cast<int>(kSlowP95Ms)) + " ms")};
}

Json latency_json(const std::optional<metrics::Latency>& latency) {
  if (!latency) return nullptr;
  return {
      {"p50", latency->p50_ms}, {"p90", latency->p90_ms}, {"p95", latency->p95_ms}, {"p99", latency->p99_ms}};
}

}  // namespace

Reply Status::live() const {
  return health_reply(from_.version, "the process runs", {});
}

Reply Status::ready() const {
  const auto now = phase();
  const bool failed = from_.probes.journal.failed.value() != 0;
  const char* reason = now == Phase::starting   ? "starting: the journal is being replayed"
                       : now == Phase::stopping ? "stopping"
                       : failed                 ? "the journal has failed; restart the daemon"
                                                : "";
  if (!*reason) return health_reply(from_.version, "takes requests", {});
  return health_reply(from_.version, "takes no requests",
                      {{"readiness", {check("component", reason, "", Health::fail, reason)}}});
}

Reply Status::buffer_health() const {
  const auto& probes = from_.probes;
  Checks checks;
  const char* phase_name = phase() == Phase::ready      ? "running"
                           : phase() == Phase::starting ? "starting"
                                                        : "stopping";
  checks.push_back({"buffer_service_status",
                    {check("component", phase_name, "", phase() == Phase::ready ? Health::pass : Health::warn,
                           "mode " + std::string(mode_name(*from_.options.get())))}});

  const auto store_limit = from_.options.get()->flush.flush_timeout;
  checks.push_back({"component_health",
                    {journal_check(probes.journal), dead_letter_check(from_.parts.dead_letters.count()),
                     store_check(from_.store.state(), from_.parts.flush.breaker().open(), store_limit)}});

  std::vector<Check> memory;
  const auto report = from_.memory.report();
  for (const auto& [component, observed, unit, level, output] : memory_checks(report)) {
    const bool alerts = component != memory::to_string(memory::Signal::available) &&
                        observed >= from_.thresholds.memory_usage_alert;
    const auto status = std::max(health_of(level), alerts ? Health::warn : Health::pass);
    memory.push_back(check(component, observed, unit, status, output));
  }
  memory.push_back(check("pressure", memory::to_string(report.level), "", health_of(report.level),
                         unreadable_sources(report)));
  checks.push_back({"memory_usage_check", std::move(memory)});

  const auto longest = from_.parts.flush.longest_write();
  const bool stuck = longest > store_limit;
  const auto& queue = from_.parts.flush.queue();
  const double depth = static_cast<double>(queue.depth()) / static_cast<double>(queue.capacity());
  checks.push_back(
      {"worker_pool_status",
       {check("workers", from_.parts.flush.size(), "threads", stuck ? Health::warn : Health::pass,
              stuck ? "a store write has been running longer than flush_timeout" : ""),
        check("queue", depth, "share of max_flush_queue_size",
              depth >= kQueueNearlyFull ? Health::warn : Health::pass)}});
  return health_reply(from_.version, "write and query buffers", checks);
}

Reply Status::performance_health(std::optional<std::chrono::seconds> window) const {
  const milliseconds over = window ? milliseconds(*window) : from_.thresholds.aggregation_window;
  const auto summary = from_.window.summary(over);
  Checks checks;
  auto latency = latency_checks(summary.write, "write");
  for (auto& one : latency_checks(summary.query, "query")) latency.push_back(std::move(one));
  checks.push_back({"latency_check", std::move(latency)});
  checks.push_back({"throughput_check",
                    {check("write", summary.messages_per_minute, "messages/min",
                           summary.refused_requests > 0 ? Health::warn : Health::pass,
                           summary.refused_requests > 0 ? std::to_string(summary.refused_requests) +
                                                              " requests were refused for overload"
                                                        : ""),
                     check("query", summary.queries_per_minute, "queries/min", Health::pass)}});
  const double errors = summary.error_percentage.value_or(0);
  checks.push_back({"error_rate_check",
                    {check("requests", or_null(summary.error_percentage), "percent",
                           above(errors, kManyErrors, kFailingErrors))}});
  std::vector<Check> capacity;
  for (auto& [what, observed, unit, enough, output] : capacity_checks(from_, summary)) {
    capacity.push_back(check(what, std::move(observed), unit, enough ? Health::pass : Health::warn, output));
  }
  checks.push_back({"capacity_check", std::move(capacity)});
  const auto covered = std::to_string(static_cast<int>(duration<double>(summary.covers).count()));
  return health_reply(from_.version, ("over the last " + covered + " s").c_str(), checks);
}

Status::Profiling Status::begin_profile() {
  const bool taken = profiling_.exchange(true);
  return {taken ? nullptr : &profiling_, [](std::atomic<bool>* profiling) { *profiling = false; }};
}

MemoryUse Status::memory_now() const {
  return {metrics::total(metrics::read_accounted(from_.probes)),
          from_.memory.report().readings.resident_bytes};
}

std::string Status::profile(const metrics::Moment& since, const MemoryUse& peaks) const {
  return profile_data(situation(from_.window.between(since, moment())), peaks).dump();
}

metrics::Situation Status::situation(metrics::Summary summary) const {
  return situation_of(from_, std::move(summary));
}

std::string Status::history(std::optional<std::chrono::seconds> window,
                            const metrics::HistoryMetric* metric) const {
  const milliseconds over = window ? milliseconds(*window) : from_.thresholds.aggregation_window;
  return history_data(from_.window.rows(over), from_.thresholds, metric).dump();
}

Reply Status::metrics() const {
  return {200, from_.exporter.scrape(), "text/plain; version=0.0.4; charset=utf-8", {}};
}

std::string Status::statistics() const {
  const auto& probes = from_.probes;
  const auto totals = add_up(probes);
  const auto summary = from_.window.summary();
  const auto& parts = from_.parts;
  Json data;
  const auto options = from_.options.get();
  data["mode"] = mode_name(*options);
  const auto round = metrics::read_stage(probes, Stage::round_buffer);
  const auto hybrid = metrics::read_stage(probes, Stage::hybrid_buffer);
  const auto in_flight = metrics::read_stage(probes, Stage::in_flight);
  data["round_buffer"] = {{"current_size", round.items},      {"rounds", totals.rounds},
                          {"tokens", totals.tokens},          {"sessions", totals.dirty_sessions},
                          {"tokenizer", parts.tokens.name()}, {"exact", parts.tokens.exact()}};
  data["hybrid_buffer"] = {{"current_size", hybrid.items},
                           {"in_flight", in_flight.items},
                           {"chunks", hybrid.items + in_flight.items},
                           {"backlog", totals.backlog},
                           {"pending_vectors", probes.embedding.waiting.value()},
                           {"embedder", parts.embedder.fingerprint()}};
  data["embedding"] = {
      {"embedder", parts.embedder.fingerprint()},
      {"dimensions", parts.embedder.dimensions()},
      {"remote", parts.remote != nullptr},
      {"requests", probes.embedding.requests.value()},
      {"waiting", probes.embedding.waiting.value()},
      {"pending_vectors", probes.embedding.pending.value()},
      {"back_filled", probes.embedding.back_filled.value()},
      {"circuit_breaker", parts.remote && parts.remote->breaker().open() ? "open" : "closed"}};
  data["write_buffer"] = {{"total_writes", totals.messages},
                          {"total_transfers", totals.transfers},
                          {"transfer_rate", summary.transferred_rounds_per_second},
                          {"avg_batch_size", or_null(summary.average_batch_messages)},
                          {"buffer_utilization", or_null(summary.buffer_utilization)},
                          {"flush_success_rate", or_null(summary.flush_success_rate)},
                          {"buffered_bytes", metrics::buffered(metrics::read_accounted(probes))}};
  data["query_buffer"] = query_buffer(options->cache, add_up_query_cache(probes), totals.joined_searches,
                                      summary.cache_hit_rate);
  data["speculative_buffer"] = speculative_buffer(options->speculation, probes);
  const auto mean = [](const std::optional<metrics::Latency>& latency) {
    return latency ? Json(latency->mean_ms) : Json(nullptr);
  };
  Json performance = {{"avg_write_latency", mean(summary.write)}, {"avg_query_latency", mean(summary.query)}};
  for (const char* name : {"p50", "p90", "p95", "p99"}) {
    performance[name] = {{"write", summary.write ? latency_json(summary.write)[name] : Json(nullptr)},
                         {"query", summary.query ? latency_json(summary.query)[name] : Json(nullptr)}};
  }
  performance["worker_utilization"] = or_null(summary.worker_utilization);
  performance["queue_depth"] = parts.flush.queue().depth();
  performance["messages_per_minute"] = summary.messages_per_minute;
  performance["error_percentage"] = or_null(summary.error_percentage);
  data["performance"] = std::move(performance);
  data["memory"] = memory_summary(from_.memory.report(), probes, parts.pressure);
  const auto& journal = probes.journal;
  data["journal"] = {{"durability", journal::to_string(options->durability)},
                     {"segments", journal.segments.value()},
                     {"bytes", journal.disk_bytes.value()},
                     {"unacknowledged", journal.unacknowledged.value()},
                     {"last_lsn", journal.last_lsn.value()},
                     {"failed", journal.failed.value() != 0},
                     {"reserve", journal.reserve_missing.value() == 0},
                     {"damaged_regions", journal.damaged_regions.value()},
                     {"first_lost_lsn", journal.first_lost_lsn.value()},
                     {"last_lost_lsn", journal.last_lost_lsn.value()}};
  const auto store = from_.store.state();
  data["store"] = {{"kind", "sqlite"},
                   {"status", store.error.empty() ? "ok" : "failing"},
                   {"circuit_breaker", parts.flush.breaker().open() ? "open" : "closed"},
                   {"write_calls", probes.flush.writes.value()},
                   {"calls_per_1000_messages", calls_per_1000(probes, totals.stored)},
                   {"dead_letters", parts.dead_letters.count()}};
  if (store.counts) {
    data["store"]["users"] = store.counts->users;
    data["store"]["sessions"] = store.counts->sessions;
    data["store"]["messages"] = store.counts->messages;
    data["store"]["knowledge"] = store.counts->knowledge;
    data["store"]["bytes"] = store.counts->bytes;
    data["store"]["counted_at"] = to_iso8601(store.counted_at);
  }
  return data.dump();
}

std::string Status::memory_use(std::span<const service::LargeUser> users, const Limits& limits) const {
  const auto report = from_.memory.report();
  const auto options = from_.options.get();
  metrics::Bounds bounds;
  bounds.buffers = report.limits.buffers.bytes;
  bounds.query_cache = most_cached(options->cache, add_up_query_cache(from_.probes));
  if (options->speculation.enabled) bounds.query_cache += options->speculation.max_bytes;
  if (from_.parts.remote) bounds.embedding_cache = options->cache.embeddings.max_bytes;
  bounds.item_cache = from_.item_cache_bytes;
  bounds.requests = limits.inflight_bytes;
  bounds.request_pool = limits.pool_bytes;
  const auto use =
      memory_analysis(report, from_.probes, from_.trends.report(), bounds, users, from_.present_value);
  return use.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace holdfast::http
