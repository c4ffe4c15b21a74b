// What the daemon gives its monitor thread to look at, and what it does on its word.
#include <algorithm>
#include <boost/asio/post.hpp>
#include <mutex>
#include <utility>

#include "daemon.hpp"
#include "holdfast/base/log.hpp"
#include "holdfast/engine/buffered_features.hpp"
#include "holdfast/metrics/accounted.hpp"

namespace holdfast {
namespace {

// Any thread. In steps, between which the shard does what else there is.
void forget_expired_keys(engine::UserShard& shard) {
  boost::asio::post(shard.executor, [&shard] {
    if (shard.idempotency.forget_expired(shard.parts.clock.steady_now())) forget_expired_keys(shard);
  });
}

}  // namespace

metrics::UsageSources Daemon::usage_sources() const {
  metrics::UsageSources sources;
  sources.directories = {{"journal", settings_.journal.dir}, {"store", settings_.sqlite.path.parent_path()}};
  return sources;
}

// On the monitor thread.
void Daemon::window_over() {
  for (auto& shard : shards_) forget_expired_keys(*shard);
  tune();
}

// One step of auto_tune at most, by what the window that is over shows.
void Daemon::tune() {
  const std::lock_guard lock(reload_mutex_);
  if (!tuner_) return;
  const auto decision = tuner_->window_over(status_->situation(window_->summary()));
  if (!decision) return;
  const auto& [step, outcome, tuning, reason] = *decision;
  tuning_probe_.steps[step][outcome].add();
  log::info("auto_tune: {} {}: {}; now {} working flush workers, hybrid_buffer.max_size {}", to_string(step),
            to_string(outcome), reason, tuning.workers, tuning.batch_rounds);
  flush_workers_->set_working(tuning.workers);
  window_->set_capacity(capacity());
  auto options = std::make_shared<engine::Options>(*live_options_->get());
  options->buffer.hybrid.max_rounds = tuning.batch_rounds;
  live_options_->set(options);
  for (auto& shard : shards_) {
    boost::asio::post(shard->executor,
                      [&shard = *shard, options] { shard.reconfigure_buffers(std::move(options)); });
  }
}

// On the monitor thread. Each cache keeps what the level leaves of its limits. Where memory is critical, what
// is buffered has no time to wait for more, and what then still is may be prepared for queries anew.
void Daemon::level_changed(memory::Level level) {
  const auto share = memory::cache_share(level);
  const auto gave_back = [this](std::size_t bytes) {
    if (bytes > 0) pressure_.count(memory::Action::cache_shrunk);
  };
  gave_back(store_->limit_cache(share));
  for (auto& shard : shards_) {
    boost::asio::post(shard->executor, [gave_back, share, level, &shard = *shard] {
      gave_back(shard.cache.limit_to(share));
      gave_back(shard.speculations.limit_to(share));
      gave_back(shard.embeddings.limit_to(share));
      if (level < memory::Level::critical) return;
      shard.flush_loop.make_room();
      gave_back(engine::limit_features(shard, share));
    });
  }
}

// On the monitor thread, which is the one that asks.
std::uint64_t Daemon::accounted_bytes() {
  probes_.store.item_cache_bytes.set(store_->cached_bytes());
  return metrics::total(metrics::read_accounted(probes_));
}

std::size_t Daemon::item_cache_bytes() const {
  return std::min<std::size_t>(settings_.sqlite.max_cached_bytes, memory_watch_.limits().buffers.bytes / 4);
}

void Daemon::log_memory_limits() const {
  const auto limits = memory_watch_.limits();
  log::info("memory: buffers take at most {} MiB ({}), the process {} MiB ({}), {} MiB stay available ({})",
            limits.buffers.bytes >> 20, limits.buffers.origin, limits.process.bytes >> 20,
            limits.process.origin, limits.available.bytes >> 20, limits.available.origin);
}

}  // namespace holdfast
