// What the parts of the daemon count, as plain numbers. Each part writes its own probe; the exporter and the
// window history read all of them at any time. Gauges "now" are differences of counters: in - out.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <string_view>
#include <vector>

#include "holdfast/base/clock.hpp"
#include "holdfast/metrics/counter.hpp"
#include "holdfast/metrics/histogram.hpp"
#include "holdfast/metrics/journal_probe.hpp"

namespace holdfast::metrics {

// Closed label sets. Each enum has a to_string (src/metrics/probes.cpp).
enum class Stage : std::size_t { round_buffer, hybrid_buffer, in_flight, count };
enum class TransferReason : std::size_t { tokens, rounds, oversized, idle, force, request, shutdown, count };
enum class FlushReason : std::size_t {
  size,
  interval,
  force,
  operation,
  request,
  shutdown,
  replay,
  bypass,
  memory,
  count
};
enum class RefusalReason : std::size_t {
  memory_budget,
  user_quota,
  request_bytes,
  flush_queue,
  journal_queue,
  journal_failed,
  store,
  shutting_down,
  connections,
  memory_pressure,
  count
};
enum class RetryReason : std::size_t { store_retryable, store_permanent, count };
enum class DeadReason : std::size_t { session_gone, store_refused, count };
enum class Route : std::size_t {
  users,
  agents,
  sessions,
  messages_add,
  messages_read,
  messages_change,
  messages_batch,
  query,
  knowledge,
  health,
  buffer,
  metrics,
  other,
  count
};
enum class CacheOutcome : std::size_t { hit, similar, speculative, miss, bypassed, count };
enum class EmbeddingFailure : std::size_t {
  connection,    // not resolved, refused, broken, TLS
  timeout,       // no answer in time
  rate_limited,  // 429, and what was held back until it is over
  status,        // another status that is no success
  refused,       // this text alone is not taken
  answer,        // not what was asked for: JSON, number, order, dimensions, values
  circuit_open,  // not tried: nothing has succeeded for a while
  queue_full,    // not tried: too much waits
  count
};

// The parts of the write and the query path whose time is measured, each where it happens. A part marked
// "wait" is time that passes, of which the daemon works only a little.
enum class TimedComponent : std::size_t {
  http_parse,          // the body of an add or a query, to values
  token_count,         // the tokens of an add's messages
  journal_wait,        // wait: a record, from ready for the journal until its group's completion is back
  round,               // a round joins the round buffer, and nothing has to move on
  transfer,            // likewise, and what was there moves on to the hybrid buffer
  threshold_check,     // after a change of a session: what is due by size or time; a due batch is handed over
  flush,               // wait: a batch, from handed to the flush queue to the store's answer
  embedding,           // terms and vectors: of a message in a flush worker, of a query (a server's time too)
  store,               // one call of the store's write, with the batches that one worker had
  cache_check,         // a query looked up, exactly and by similarity, and a hit brought up to date
  multi_source_query,  // wait: the buffers and the store searched
  aggregation,         // the results of both merged
  count
};

std::string_view to_string(Stage);
std::string_view to_string(TransferReason);
std::string_view to_string(FlushReason);
std::string_view to_string(RefusalReason);
std::string_view to_string(RetryReason);
std::string_view to_string(DeadReason);
std::string_view to_string(Route);
std::string_view to_string(CacheOutcome);
std::string_view to_string(EmbeddingFailure);
std::string_view to_string(TimedComponent);

template <class Enum, class Value>
class PerLabel {
 public:
  Value& operator[](Enum label) { return values_[static_cast<std::size_t>(label)]; }
  const Value& operator[](Enum label) const { return values_[static_cast<std::size_t>(label)]; }
  static constexpr std::size_t size() { return static_cast<std::size_t>(Enum::count); }

 private:
  std::array<Value, static_cast<std::size_t>(Enum::count)> values_{};
};

template <class HistogramType>
struct ComponentTimes : PerLabel<TimedComponent, HistogramType> {
  void record(TimedComponent component, SteadyTime from, SteadyTime to) {
    (*this)[component].record(static_cast<std::uint64_t>((to - from).count()));
  }
};

struct StageProbe {
  Counter items_in, items_out, bytes_in, bytes_out;  // messages; bytes of content and metadata
  void enter(std::uint64_t items, std::uint64_t bytes) { items_in.add(items), bytes_in.add(bytes); }
  void leave(std::uint64_t items, std::uint64_t bytes) { items_out.add(items), bytes_out.add(bytes); }
};

// Answers that are kept: to queries that were asked, or predicted. One shard's thread.
struct AnswerCacheProbe {
  Counter entries, bytes;              // now
  Counter expired, evicted, outdated;  // entries dropped: ttl, LRU, a later write
  Counter merged;                      // hits brought up to date with what changed since
  Counter verified;                    // hits on the answer to another text that were searched for too
  Counter false_hits;                  // of these, whose answer was not the searched one
  Counter threshold_ppm;               // now: the least similarity of the other text, × 10⁶
};

// Written by one shard's thread.
struct ShardProbe {
  PerLabel<Stage, StageProbe> stages;
  PerLabel<TransferReason, Counter> transfers;  // rounds from round to hybrid buffer
  PerLabel<FlushReason, Counter> flushes;       // batches handed to the flush queue
  PerLabel<RefusalReason, Counter> refused;     // requests answered 429 or 503
  PerLabel<RetryReason, Counter> retries;       // store writes that failed and are tried again
  PerLabel<DeadReason, Counter> dead;           // messages given up
  Counter flushed_batches, failed_batches;      // store answers to batches (a retry counts again)
  Counter stored_messages;                      // messages whose insert the store has committed
  Histogram batch_messages;                     // messages a batch
  Counter messages, message_bytes, tokens;      // acknowledged with a 2xx
  Counter operation_bytes;                      // now: of updates and erasures that wait for the store
  Counter backlog_messages;       // now: acknowledged messages that are in the journal only, not in memory
  Counter dirty_sessions;         // now: with something not yet in the store
  Counter buffered_rounds;        // now: rounds held in round buffers
  Counter round_tokens;           // now: exact tokens held in round buffers
  Counter idempotency_bytes;      // now: of answers kept with idempotency keys
  Counter idempotency_forgotten;  // keys, before their window was over
  Counter feature_bytes;          // now: of terms and vectors kept of buffered messages
  Counter oldest_unflushed_ns;    // steady clock of the oldest message not in the store; 0: none
  Histogram write_ns;             // POST messages, request read to answer ready (server side)
  Histogram query_hit_ns, query_miss_ns;              // query, likewise, answered from the cache or searched
  PerLabel<Route, Histogram> request_ns;              // every request by route
  PerLabel<Route, std::array<Counter, 6>> responses;  // by route and status class; [s] = s00…s99
  PerLabel<CacheOutcome, Counter> cache;
  AnswerCacheProbe query_cache, speculative_buffer;
  Counter predicted_queries;                             // searched before anybody asked
  Counter searches_joined;                               // misses that waited for the same search of another
  Counter embedding_cache_hits, embedding_cache_misses;  // queries' vectors: known, asked of the server
  Counter embedding_cache_bytes;                         // now
  Counter partial_answers;                               // queries answered without the store
  Counter degraded_answers;                              // queries answered without the embedding server
  Counter connections;                                   // now
  Counter request_bytes;                                 // now: reserved for requests being read or served
  ComponentTimes<Histogram> components;                  // what this shard's thread did or waited for
  Counter pool_taken, pool_reused;  // request buffers handed out; of these, that had been used before
  Counter pool_used_bytes, pool_idle_bytes;  // now: handed out, kept for the next
  Counter pool_most_used_bytes;              // handed out at a time, at most
};

// Written by the flush workers together.
struct FlushProbe {
  SharedCounter queued, taken;         // batches; depth = queued - taken
  SharedCounter busy_ns;               // summed over workers, of finished store writes
  SharedCounter busy_workers;          // now
  SharedCounter write_ns_sum, writes;  // store.write calls
  ComponentTimes<SharedHistogram> components;
};

// Of the embedding server's client. All zero with the built-in embedder.
struct EmbeddingProbe {
  Counter requests, texts;  // sent; written by the embedding thread, as request_ns is
  Histogram request_ns;     // sent to answered, whatever the answer
  PerLabel<EmbeddingFailure, SharedCounter> failures;  // requests that failed; texts for refused, queue_full
  SharedCounter waiting;                               // now: texts that wait for their vectors, or are sent
  Counter pending;      // now: items in the store without a vector; written by the back-fill thread
  Counter back_filled;  // vectors that items in the store were given later; likewise
};

// Of the store. It counts itself; the monitor thread writes what it says here.
struct StoreProbe {
  Counter item_cache_bytes;  // now
};

// All probes of the process. Built before, and outlives, everything that counts.
struct Probes {
  explicit Probes(std::size_t shard_count);
  std::vector<std::unique_ptr<ShardProbe>> shards;
  JournalProbe journal;
  FlushProbe flush;
  EmbeddingProbe embedding;
  StoreProbe store;
};

}  // namespace holdfast::metrics
