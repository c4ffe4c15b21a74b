#include "holdfast/engine/user_shard.hpp"

#include <algorithm>
#include <utility>

#include "holdfast/metrics/memory_estimate.hpp"

namespace holdfast::engine {
namespace {

cache::Options cache_share(const Parts& parts, unsigned shards) {
  auto options = parts.options->cache;
  options.sentence_vectors = parts.embedder.deferred();  // a server's model
  options.entries = std::max<std::size_t>(1, options.entries / shards);
  options.max_bytes /= shards;
  options.embeddings.entries = std::max<std::size_t>(1, options.embeddings.entries / shards);
  options.embeddings.max_bytes /= shards;
  return options;
}

// Of any wording that is similar enough; the control learns from hits, or from none.
cache::Options speculation_share(const Parts& parts, unsigned shards) {
  const auto& speculation = parts.options->speculation;
  auto options = cache_share(parts, shards);
  options.any_words = true;
  options.entries = std::max<std::size_t>(1, speculation.entries / shards);
  options.max_bytes = speculation.max_bytes / shards;
  options.similarity_threshold = speculation.threshold;
  options.verify_fraction = speculation.learn ? 1 : 0;
  return options;
}

IdempotencyKeys::Options key_options(const Options& options, unsigned shards) {
  const auto bytes = metrics::kKeysShare * static_cast<double>(options.max_buffer_bytes);
  return {options.idempotency_window, static_cast<std::size_t>(bytes) / shards};
}

Failure refused(FailureKind kind, const char* why, metrics::RefusalReason reason) {
  return {kind, Entity::user, why, reason};
}

}  // namespace

buffer::BufferedRound to_buffered(Round round, Lsn lsn) {
  buffer::BufferedRound buffered;
  buffered.lsn = lsn;
  buffered.messages.reserve(round.messages.size());
  for (auto& message : round.messages) buffered.messages.push_back({std::move(message), lsn});
  return buffered;
}

UserShard::UserShard(const Parts& shared, unsigned index, unsigned count, runtime::Executor runs_on,
                     metrics::ShardProbe& counts)
    : parts(shared),
      shard_count(count),
      executor(runs_on),
      probe(counts),
      journal(shared.journal, index, runs_on, shared.clock, counts),
      table(parts, counts),
      idempotency(key_options(*shared.options, count), counts),
      backlog(parts, table, index, count, counts),
      flush_loop(parts, count, runs_on, table, journal, backlog, counts),
      cache(cache_share(parts, count), counts.query_cache),
      speculations(speculation_share(parts, count), counts.speculative_buffer),
      predictions(runs_on),
      embeddings(cache_share(parts, count).embeddings, counts) {}

std::optional<Failure> UserShard::refusal(const UserState& user, std::size_t messages, std::size_t bytes,
                                          Write write) const {
  using metrics::RefusalReason;
  const auto& options = *parts.options;
  const auto needs = bytes + messages * kMessageOverhead;
  const auto share = [&](double of) { return static_cast<std::size_t>(of * options.user_share); };
  // One user alone never fills a shard, on which others live.
  const auto user_memory = std::min(share(static_cast<double>(options.max_buffer_bytes)),
                                    options.max_buffer_bytes / shard_count / 4 * 3);
  const auto user_journal = share(static_cast<double>(options.max_journal_bytes));
  // Where the store takes nothing, what is added and does not fit into memory stays in the journal.
  const bool store_down = write == Write::add && (parts.flush.breaker().open() || user.backlog_bytes > 0);
  const auto held = store_down ? user.writing_bytes : user.writing_bytes + user.held_bytes;
  if (held + needs > user_memory || user.backlog_bytes + bytes > user_journal) {
    return refused(FailureKind::over_quota, "this user's share of the buffers is full",
                   RefusalReason::user_quota);
  }
  // Where memory is critical, half of an equal part is a fair share.
  const auto budget = options.max_buffer_bytes / shard_count;
  const auto equal_part = budget / std::max<std::size_t>(1, table.holders());
  if (parts.pressure.level() >= memory::Level::critical && held + needs > equal_part / 2) {
    parts.pressure.count(memory::Action::refused_above_share);
    return refused(FailureKind::over_quota, "memory is short, and this user has more than a fair share",
                   RefusalReason::memory_pressure);
  }
  // The last fifth is for users who have less than an equal part.
  if (!store_down && held + needs > equal_part && !flush_loop.has_room(budget / 5 + needs)) {
    return refused(FailureKind::over_quota,
                   "the buffers are nearly full, and this user has more than an equal part",
                   RefusalReason::user_quota);
  }
  // So is the last fifth of the journal: for users of whom little is in it alone.
  const auto journal_part =
      options.max_journal_bytes / shard_count / std::max<std::size_t>(1, table.holders());
  if (user.backlog_bytes > 0 && user.backlog_bytes + bytes > journal_part / 2 &&
      parts.journal.disk_bytes() > options.max_journal_bytes / 5 * 4) {
    return refused(FailureKind::over_quota,
                   "the journal is nearly full, and this user has more than an equal part",
                   RefusalReason::user_quota);
  }
  if (!store_down && !flush_loop.has_room(needs)) {
    return refused(FailureKind::overloaded, "the buffers are full", RefusalReason::memory_budget);
  }
  return std::nullopt;
}

void UserShard::reconfigure(std::shared_ptr<const Options> options) {
  reconfigure_buffers(std::move(options));
  cache.reconfigure(cache_share(parts, shard_count));
  speculations.reconfigure(speculation_share(parts, shard_count));
}

void UserShard::reconfigure_buffers(std::shared_ptr<const Options> options) {
  parts.options = std::move(options);
  table.reconfigure(parts.options->buffer);
  idempotency.reconfigure(key_options(*parts.options, shard_count), parts.clock.steady_now());
  flush_loop.reconfigured();
}

}  // namespace holdfast::engine
