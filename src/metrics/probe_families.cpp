#include <algorithm>

#include "holdfast/metrics/proportion.hpp"
#include "metrics/export_groups.hpp"
#include "metrics/totals.hpp"

namespace holdfast::metrics {

namespace {

using prometheus::MetricType;

double in_seconds(std::uint64_t ns) {
  return static_cast<double>(ns) / 1e9;
}

// 0 while everything is in the store. A stamp taken after `now` was read makes an age of 0.
double oldest_unflushed_seconds(const Probes& probes, SteadyTime now) {
  const auto now_ns = static_cast<std::uint64_t>(std::chrono::nanoseconds(now.time_since_epoch()).count());
  std::uint64_t age = 0;
  for (const auto& shard : probes.shards) {
    const auto stamp = shard->oldest_unflushed_ns.value();
    if (stamp != 0 && stamp < now_ns) age = std::max(age, now_ns - stamp);
  }
  return in_seconds(age);
}

// The sum over shards of a Counter member.
double sum_of(const Probes& probes, Counter ShardProbe::*counter) {
  return static_cast<double>(
      sum_of_shards(probes, [&](const ShardProbe& shard) { return (shard.*counter).value(); }));
}

template <class Enum>
auto by_label(const Probes& probes, PerLabel<Enum, Counter> ShardProbe::*counters) {
  return [&probes, counters](Enum label) {
    return sum_of_shards(probes, [&](const ShardProbe& shard) { return (shard.*counters)[label].value(); });
  };
}

auto by_stage(const Probes& probes, Counter StageProbe::*counter) {
  return [&probes, counter](Stage stage) {
    return sum_of_shards(probes,
                         [&](const ShardProbe& shard) { return (shard.stages[stage].*counter).value(); });
  };
}

HistogramSnapshot merged(const Probes& probes, Histogram ShardProbe::*histogram) {
  return histogram_of_shards(probes,
                             [&](const ShardProbe& shard) -> const Histogram& { return shard.*histogram; });
}

}  // namespace

void add_stages(const Probes& probes, SteadyTime now, Families& families) {
  families.counters<Stage>("holdfast_stage_items_in_total", "Messages that entered a stage.", "stage",
                           by_stage(probes, &StageProbe::items_in));
  families.counters<Stage>("holdfast_stage_items_out_total", "Messages that left a stage.", "stage",
                           by_stage(probes, &StageProbe::items_out));
  families.counters<Stage>("holdfast_stage_bytes_in_total",
                           "Bytes of content and metadata that entered a stage.", "stage",
                           by_stage(probes, &StageProbe::bytes_in));
  families.counters<Stage>("holdfast_stage_bytes_out_total",
                           "Bytes of content and metadata that left a stage.", "stage",
                           by_stage(probes, &StageProbe::bytes_out));
  families.gauges<Stage>("holdfast_stage_items", "Messages in a stage now.", "stage",
                         [&](Stage stage) { return read_stage(probes, stage).items; });
  families.gauges<Stage>("holdfast_stage_bytes", "Bytes of content and metadata in a stage now.", "stage",
                         [&](Stage stage) { return read_stage(probes, stage).bytes; });
  families.counters<TransferReason>("holdfast_transferred_rounds_total",
                                    "Rounds moved from a round buffer to a hybrid buffer.", "reason",
                                    by_label(probes, &ShardProbe::transfers));
  families.gauge("holdfast_buffered_rounds", "Rounds held in round buffers now.",
                 sum_of(probes, &ShardProbe::buffered_rounds));
  families.gauge("holdfast_round_tokens", "Tokens held in round buffers now.",
                 sum_of(probes, &ShardProbe::round_tokens));
  families.gauge("holdfast_dirty_sessions", "Sessions with something not yet in the store now.",
                 sum_of(probes, &ShardProbe::dirty_sessions));
  families.gauge("holdfast_backlog_messages",
                 "Acknowledged messages that are in the journal only, not in memory.",
                 sum_of(probes, &ShardProbe::backlog_messages));
  families.gauge("holdfast_oldest_unflushed_age_seconds",
                 "Age of the oldest message that is not yet in the store; 0 when there is none.",
                 oldest_unflushed_seconds(probes, now));
}

void add_ingest(const Probes& probes, Families& families) {
  families.counter("holdfast_messages_total", "Messages acknowledged with a 2xx.",
                   sum_of(probes, &ShardProbe::messages));
  families.counter("holdfast_message_bytes_total", "Bytes of content and metadata of acknowledged messages.",
                   sum_of(probes, &ShardProbe::message_bytes));
  families.counter("holdfast_tokens_total", "Tokens of acknowledged messages.",
                   sum_of(probes, &ShardProbe::tokens));
  families.counter("holdfast_stored_messages_total", "Messages whose insert the store has committed.",
                   sum_of(probes, &ShardProbe::stored_messages));
  families.counter("holdfast_idempotency_keys_forgotten_total",
                   "Idempotency keys forgotten before their window was over, as there were too many.",
                   sum_of(probes, &ShardProbe::idempotency_forgotten));
  families.counters<RefusalReason>("holdfast_refused_requests_total",
                                   "Requests and connections answered 429 or 503 by an own decision.",
                                   "reason", by_label(probes, &ShardProbe::refused));
  families.counters<RetryReason>("holdfast_retried_batches_total",
                                 "Store writes that failed and are tried again.", "reason",
                                 by_label(probes, &ShardProbe::retries));
  families.counters<DeadReason>("holdfast_dead_messages_total", "Messages given up.", "reason",
                                by_label(probes, &ShardProbe::dead));
}

void add_flushes(const Probes& probes, Families& families) {
  families.counters<FlushReason>("holdfast_flushes_total", "Batches handed to the flush queue.", "reason",
                                 by_label(probes, &ShardProbe::flushes));
  families.sizes("holdfast_batch_messages", "Messages a batch.", merged(probes, &ShardProbe::batch_messages));
  Family answers("holdfast_store_answers_total", "The store's answers to batches; each try counts.",
                 MetricType::Counter);
  answers.add(sum_of(probes, &ShardProbe::flushed_batches), {{"outcome", "stored"}});
  answers.add(sum_of(probes, &ShardProbe::failed_batches), {{"outcome", "failed"}});
  families.add(std::move(answers));
  const auto& flush = probes.flush;
  families.gauge("holdfast_flush_queue_batches", "Batches waiting for a flush worker now.",
                 static_cast<double>(read_flush_queue_depth(flush)));
  families.gauge("holdfast_flush_busy_workers", "Flush workers in a store write now.",
                 static_cast<double>(flush.busy_workers.value()));
  families.counter("holdfast_flush_busy_seconds_total",
                   "Time flush workers spent in finished store writes, summed.",
                   in_seconds(flush.busy_ns.value()));
  Family writes("holdfast_store_write_duration_seconds",
                "Store writes by flush workers, and the time they took.", MetricType::Summary);
  writes.add_summary(flush.writes.value(), in_seconds(flush.write_ns_sum.value()));
  families.add(std::move(writes));
}

void add_request_pool(const Probes& probes, Families& families) {
  // In this order: each lease is counted as taken before it is as reused.
  const auto reused = sum_of(probes, &ShardProbe::pool_reused);
  const auto taken = sum_of(probes, &ShardProbe::pool_taken);
  Family leases("holdfast_request_pool_leases_total", "Request buffers handed out, by their storage.",
                MetricType::Counter);
  leases.add(reused, {{"storage", "reused"}});
  leases.add(taken - reused, {{"storage", "fresh"}});
  families.add(std::move(leases));
  families.gauge("holdfast_request_pool_reuse_ratio",
                 "Of the request buffers handed out, those with used storage.",
                 taken > 0 ? std::optional(reused / taken) : std::nullopt);
  Family bytes(
      "holdfast_request_pool_bytes",
      "Storage of request buffers: handed out (by its announced size), that at most, kept for the next.",
      MetricType::Gauge);
  bytes.add(sum_of(probes, &ShardProbe::pool_used_bytes), {{"state", "used"}});
  bytes.add(sum_of(probes, &ShardProbe::pool_most_used_bytes), {{"state", "most_used"}});
  bytes.add(sum_of(probes, &ShardProbe::pool_idle_bytes), {{"state", "idle"}});
  families.add(std::move(bytes));
}

void add_requests(const Probes& probes, Families& families) {
  Family durations("holdfast_request_duration_seconds", "Requests by route, read to answer ready.",
                   MetricType::Histogram);
  Family responses("holdfast_responses_total", "Answers by route and status class.", MetricType::Counter);
  for_each_label<Route>([&](Route route) {
    const std::string name(to_string(route));
    add_durations(
        durations,
        histogram_of_shards(
            probes, [&](const ShardProbe& shard) -> const Histogram& { return shard.request_ns[route]; }),
        {{"route", name}});
    for (std::size_t status = 1; status <= 5; ++status) {
      const auto count = sum_of_shards(
          probes, [&](const ShardProbe& shard) { return shard.responses[route][status].value(); });
      responses.add(static_cast<double>(count), {{"route", name}, {"status", std::to_string(status) + "xx"}});
    }
  });
  families.add(std::move(durations));
  families.add(std::move(responses));
  families.durations("holdfast_write_duration_seconds", "POST of messages, request read to answer ready.",
                     merged(probes, &ShardProbe::write_ns));
  Family queries("holdfast_query_duration_seconds", "Queries, answered from the cache or searched.",
                 MetricType::Histogram);
  add_durations(queries, merged(probes, &ShardProbe::query_hit_ns), {{"outcome", "hit"}});
  add_durations(queries, merged(probes, &ShardProbe::query_miss_ns), {{"outcome", "miss"}});
  families.add(std::move(queries));
  families.counter("holdfast_partial_answers_total",
                   "Queries answered without the store, or while messages were in the journal alone.",
                   sum_of(probes, &ShardProbe::partial_answers));
  families.counter("holdfast_degraded_answers_total", "Queries answered without the embedding server.",
                   sum_of(probes, &ShardProbe::degraded_answers));
  families.gauge("holdfast_connections", "Open client connections now.",
                 sum_of(probes, &ShardProbe::connections));
}

void add_components(const Probes& probes, Families& families) {
  Family times("holdfast_component_duration_seconds",
               "Time by part of the write and the query path; journal_wait, flush and multi_source_query are "
               "mostly waiting.",
               MetricType::Histogram);
  for_each_label<TimedComponent>([&](TimedComponent component) {
    add_short_durations(times, read_component(probes, component),
                        {{"component", std::string(to_string(component))}});
  });
  families.add(std::move(times));
}

void add_answer_cache(const std::string& prefix, const std::string& name, const Probes& probes,
                      AnswerCacheProbe ShardProbe::*cache, Families& families) {
  const auto sum = [&](Counter AnswerCacheProbe::*counter) {
    return sum_of_shards(probes, [&](const ShardProbe& shard) { return (shard.*cache.*counter).value(); });
  };
  const auto number = [&](Counter AnswerCacheProbe::*counter) { return static_cast<double>(sum(counter)); };
  families.gauge(prefix + "_entries", "Entries in " + name + " now.", number(&AnswerCacheProbe::entries));
  families.gauge(prefix + "_bytes", "Bytes in " + name + " now.", number(&AnswerCacheProbe::bytes));
  Family dropped(prefix + "_dropped_entries_total",
                 "Entries dropped from " + name + ": too old, least recently used, outdated by a write.",
                 MetricType::Counter);
  dropped.add(number(&AnswerCacheProbe::expired), {{"reason", "expired"}});
  dropped.add(number(&AnswerCacheProbe::evicted), {{"reason", "evicted"}});
  dropped.add(number(&AnswerCacheProbe::outdated), {{"reason", "outdated"}});
  families.add(std::move(dropped));
  families.counter(prefix + "_merged_hits_total",
                   "Hits of " + name + " brought up to date with what changed since they were searched.",
                   number(&AnswerCacheProbe::merged));
  families.counter(prefix + "_verified_hits_total",
                   "Hits of " + name + " on the answer to a similar text that were searched for too.",
                   number(&AnswerCacheProbe::verified));
  families.counter(prefix + "_false_hits_total",
                   "Verified hits of " + name + " whose answer was not the searched one.",
                   number(&AnswerCacheProbe::false_hits));
  const auto rate = wilson_interval(sum(&AnswerCacheProbe::false_hits), sum(&AnswerCacheProbe::verified));
  Family error(prefix + "_false_hit_rate",
               "Share of the similar hits of " + name +
                   " that are false, 0 to 1: lower and upper end of the 95 % interval.",
               MetricType::Gauge);
  error.add(rate.low, {{"bound", "lower"}});
  error.add(rate.high, {{"bound", "upper"}});
  families.add(std::move(error));
  std::uint64_t highest = 0;
  for (const auto& shard : probes.shards) {
    highest = std::max(highest, ((*shard).*cache).threshold_ppm.value());
  }
  families.gauge(
      prefix + "_similarity_threshold",
      "The least similarity of a similar hit of " + name + ", 0 to 1, on the shard where it is highest.",
      static_cast<double>(highest) / 1e6);
}

void add_cache(const Probes& probes, Families& families) {
  families.counters<CacheOutcome>("holdfast_cache_lookups_total",
                                  "Queries by what the query cache did for them.", "outcome",
                                  by_label(probes, &ShardProbe::cache));
  add_answer_cache("holdfast_cache", "the query cache", probes, &ShardProbe::query_cache, families);
  add_answer_cache("holdfast_speculative_buffer", "the speculative buffer", probes,
                   &ShardProbe::speculative_buffer, families);
  families.counter("holdfast_speculative_buffer_predicted_queries_total",
                   "Queries that were predicted and searched before anybody asked.",
                   sum_of(probes, &ShardProbe::predicted_queries));
  Family embeddings("holdfast_embedding_cache_lookups_total",
                    "Queries' vectors a server makes: known from before, or asked for.", MetricType::Counter);
  embeddings.add(sum_of(probes, &ShardProbe::embedding_cache_hits), {{"outcome", "hit"}});
  embeddings.add(sum_of(probes, &ShardProbe::embedding_cache_misses), {{"outcome", "miss"}});
  families.add(std::move(embeddings));
  families.counter("holdfast_cache_joined_searches_total",
                   "Misses that waited for the same search of another query.",
                   sum_of(probes, &ShardProbe::searches_joined));
}

void add_embedding(const EmbeddingProbe& embedding, Families& families) {
  const auto number = [](const auto& counter) { return static_cast<double>(counter.value()); };
  families.counter("holdfast_embedding_requests_total", "Requests sent to the embedding server.",
                   number(embedding.requests));
  families.counter("holdfast_embedding_texts_total", "Texts in those requests.", number(embedding.texts));
  families.durations("holdfast_embedding_request_duration_seconds",
                     "Requests to the embedding server, sent to answered.", embedding.request_ns.snapshot());
  families.counters<EmbeddingFailure>(
      "holdfast_embedding_failures_total",
      "Requests for vectors that failed, by reason (texts where the reason is refused or queue_full).",
      "reason", [&](EmbeddingFailure reason) { return embedding.failures[reason].value(); });
  families.gauge("holdfast_embedding_waiting_texts", "Texts that wait for the embedding server now.",
                 number(embedding.waiting));
  families.gauge("holdfast_embedding_pending_vectors",
                 "Items in the store that have no vector yet and are found by keyword only.",
                 number(embedding.pending));
  families.counter("holdfast_embedding_back_filled_total", "Vectors added to items that were stored without.",
                   number(embedding.back_filled));
}

void add_journal(const JournalProbe& journal, Families& families) {
  const auto number = [](const auto& counter) { return static_cast<double>(counter.value()); };
  families.counter("holdfast_journal_records_total", "Records made durable as configured.",
                   number(journal.records));
  families.counter("holdfast_journal_bytes_total", "Bytes of those records, headers included.",
                   number(journal.bytes));
  families.counter("holdfast_journal_refused_total", "Records refused: journal queue or directory full.",
                   number(journal.refused));
  families.counter("holdfast_journal_failures_total", "Journal writes and syncs that failed.",
                   number(journal.failures));
  families.durations("holdfast_journal_sync_duration_seconds", "One fdatasync of the journal.",
                     journal.sync_ns.snapshot());
  families.sizes("holdfast_journal_group_records", "Records a group commit.",
                 journal.group_records.snapshot());
  families.gauge("holdfast_journal_segments", "Segment files now.", number(journal.segments));
  families.gauge("holdfast_journal_disk_bytes", "Bytes of segment files now.", number(journal.disk_bytes));
  families.gauge("holdfast_journal_unacknowledged_records", "Records not yet in the store now.",
                 number(journal.unacknowledged));
  families.counter("holdfast_journal_deleted_segments_total", "Segment files deleted, all in the store.",
                   number(journal.segments_deleted));
  families.counter("holdfast_journal_segments_deleted_early_total",
                   "Of these, with idempotency keys whose window was not over, for want of space.",
                   number(journal.segments_deleted_early));
  families.gauge("holdfast_journal_full",
                 "1 while messages are refused because the disk or journal.max_bytes has no room for them.",
                 number(journal.full));
  families.gauge("holdfast_journal_reserve_missing", "1 while the disk has no space for another segment.",
                 number(journal.reserve_missing));
  families.gauge("holdfast_journal_damaged_regions", "Damaged regions that the last start found.",
                 number(journal.damaged_regions));
  families.gauge("holdfast_journal_failed",
                 "1 once the journal has failed and refuses writes until a restart.", number(journal.failed));
}

}  // namespace holdfast::metrics
