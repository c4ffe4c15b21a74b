#include "holdfast/metrics/exporter.hpp"

#include <prometheus/text_serializer.h>

#include <sstream>
#include <utility>

#include "metrics/export_groups.hpp"

namespace holdfast::metrics {

namespace {

using prometheus::MetricType;

// Only with messages acknowledged from the journal does its durability setting matter: in bypass mode the
// store has committed them.
void add_durability(const Fixed& fixed, const Live& live, bool journal_failed, Families& families) {
  Family configured("holdfast_durability_info", "journal.durability, as a label.", MetricType::Gauge);
  configured.add(1.0, {{"durability", fixed.durability}});
  families.add(std::move(configured));
  const bool not_asked_for = fixed.durability == "none" && !live.bypass;
  Family lost("holdfast_durability_lost",
              "1 while acknowledged messages are not safe from a crash, by reason.", MetricType::Gauge);
  lost.add(journal_failed ? 1.0 : 0.0, {{"reason", "journal_failed"}});
  lost.add(not_asked_for ? 1.0 : 0.0, {{"reason", "durability_none"}});
  families.add(std::move(lost));
}

void add_store_counts(const StoreCounts& store, Families& families) {
  Family stored("holdfast_store_objects", "What the store holds now.", MetricType::Gauge);
  const auto add = [&](std::uint64_t count, const char* kind) {
    stored.add(static_cast<double>(count), {{"kind", kind}});
  };
  add(store.users, "users");
  add(store.agents, "agents");
  add(store.sessions, "sessions");
  add(store.messages, "messages");
  add(store.knowledge, "knowledge");
  families.add(std::move(stored));
}

std::optional<double> unless_zero(double limit) {
  return limit > 0.0 ? std::optional(limit) : std::nullopt;
}

std::optional<double> in_seconds(const std::optional<Latency>& latency, double Latency::*milliseconds) {
  return latency ? std::optional(*latency.*milliseconds / 1e3) : std::nullopt;
}

// A percentile of the window by operation.
void add_latency(const Summary& summary, const char* name, const char* help, double Latency::*percentile,
                 Families& families) {
  Family family(name, help, MetricType::Gauge);
  family.add(in_seconds(summary.write, percentile), {{"operation", "write"}});
  family.add(in_seconds(summary.query, percentile), {{"operation", "query"}});
  families.add(std::move(family));
}

}  // namespace

void add_identity(const Fixed& fixed, const Live& live, bool journal_failed, Families& families) {
  Family build("holdfast_build_info", "Version and source commit, as labels.", MetricType::Gauge);
  build.add(1.0, {{"version", fixed.version}, {"commit", fixed.commit}});
  families.add(std::move(build));
  families.gauge("holdfast_ready", "1 while the daemon takes requests (as /health/ready).",
                 live.ready ? 1.0 : 0.0);
  families.gauge("holdfast_bypass_mode",
                 "1 in bypass mode: no buffers, every write goes to the store at once.",
                 live.bypass ? 1.0 : 0.0);
  families.gauge("holdfast_dead_letters", "Operations that the store refused for good, waiting for somebody.",
                 static_cast<double>(live.dead_letters));
  families.gauge("holdfast_store_circuit_open", "1 while the store takes nothing and only probes go to it.",
                 live.store_circuit_open ? 1.0 : 0.0);
  families.gauge("holdfast_embedding_circuit_open",
                 "1 while the embedding server answers nothing and only probes go to it.",
                 live.embedding_circuit_open ? 1.0 : 0.0);
  add_durability(fixed, live, journal_failed, families);
  if (live.store) add_store_counts(*live.store, families);
}

void add_limits(const Fixed& fixed, const Live& live, Families& families) {
  families.gauge("holdfast_flush_workers", "Flush workers.", static_cast<double>(fixed.flush_workers));
  families.gauge("holdfast_flush_queue_limit_batches", "Batches that the flush queue takes.",
                 unless_zero(static_cast<double>(fixed.flush_queue_size)));
  families.gauge("holdfast_buffer_limit_bytes",
                 "Bytes of content and metadata that the buffers take together.",
                 unless_zero(static_cast<double>(live.buffer_limit_bytes)));
  families.gauge("holdfast_journal_limit_bytes", "Bytes that the journal's segment files may take.",
                 unless_zero(static_cast<double>(fixed.journal_limit_bytes)));
  families.gauge("holdfast_flush_deadline_seconds", "Age by which a healthy daemon has stored a message.",
                 unless_zero(std::chrono::duration<double>(live.flush_deadline).count()));
}

void add_window(const Summary& summary, Families& families) {
  families.gauge("holdfast_window_seconds", "Time that the metrics of the window cover.",
                 std::chrono::duration<double>(summary.covers).count());
  families.gauge("holdfast_throughput_messages_per_minute", "Messages acknowledged a minute (window).",
                 summary.messages_per_minute);
  add_latency(summary, "holdfast_latency_p50_seconds", "Median time to answer (window).", &Latency::p50_ms,
              families);
  add_latency(summary, "holdfast_latency_p95_seconds", "95th percentile of the time to answer (window).",
              &Latency::p95_ms, families);
  families.gauge("holdfast_cache_hit_rate",
                 "Share of cached queries answered from the cache, 0 to 1 (window).", summary.cache_hit_rate);
  families.gauge("holdfast_error_rate", "Share of answers with a status of 500 or more, 0 to 1 (window).",
                 summary.error_percentage ? std::optional(*summary.error_percentage / 100.0) : std::nullopt);
  families.gauge("holdfast_worker_utilization",
                 "Share of time flush workers spent in store writes, 0 to 1 (window).",
                 summary.worker_utilization);
  families.gauge("holdfast_transfer_rate_rounds_per_second",
                 "Rounds moved to hybrid buffers a second (window).", summary.transferred_rounds_per_second);
  families.gauge("holdfast_flush_success_rate", "Share of batches that the store took, 0 to 1 (window).",
                 summary.flush_success_rate);
  families.gauge("holdfast_cpu_share", "CPU time of the process as a share of the CPUs it may use (window).",
                 summary.cpu_share);
  families.gauge("holdfast_io_wait_share", "Share of the machine's CPU time spent waiting for I/O (window).",
                 summary.io_wait_share);
  families.gauge("holdfast_buffer_utilization",
                 "Bytes buffered, with the overhead of each message, as a share of the limit, now.",
                 summary.buffer_utilization);
}

Exporter::Exporter(const Probes& probes, const WindowHistory& window, const Clock& clock, Fixed fixed,
                   std::function<Live()> live)
    : probes_(probes), window_(window), clock_(clock), fixed_(std::move(fixed)), live_(std::move(live)) {}

std::vector<prometheus::MetricFamily> Exporter::Collect() const {
  Families families;
  const auto live = live_();
  add_identity(fixed_, live, probes_.journal.failed.value() != 0, families);
  add_limits(fixed_, live, families);
  add_stages(probes_, clock_.steady_now(), families);
  add_ingest(probes_, families);
  add_flushes(probes_, families);
  add_requests(probes_, families);
  add_components(probes_, families);
  add_request_pool(probes_, families);
  add_cache(probes_, families);
  add_embedding(probes_.embedding, families);
  add_journal(probes_.journal, families);
  add_window(window_.summary(), families);
  if (live.memory && live.pressure) add_memory(probes_, *live.memory, *live.pressure, families);
  families.gauge("holdfast_flush_working_workers",
                 "Flush workers that take batches: all, unless auto_tune lets some rest.",
                 static_cast<double>(live.working_flush_workers));
  if (live.tuning) add_tuning(*live.tuning, families);
  add_process(read_process_usage(fixed_.sources), families);
  return std::move(families).take();
}

std::string Exporter::scrape() const {
  std::ostringstream text;
  prometheus::TextSerializer().Serialize(text, Collect());
  return std::move(text).str();
}

}  // namespace holdfast::metrics
