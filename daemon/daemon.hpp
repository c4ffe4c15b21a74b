// The composition root: every part of the daemon and the order in which it starts and stops. The only file
// that knows every module.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "holdfast/base/cpus.hpp"
#include "holdfast/base/snapshot.hpp"
#include "holdfast/embedding/back_fill.hpp"
#include "holdfast/engine/user_shard.hpp"
#include "holdfast/flush/auto_tuner.hpp"
#include "holdfast/http/server.hpp"
#include "holdfast/http/status.hpp"
#include "holdfast/memory/watch.hpp"
#include "holdfast/metrics/component_trends.hpp"
#include "holdfast/metrics/exporter.hpp"
#include "holdfast/metrics/window.hpp"
#include "holdfast/service/memory_service.hpp"
#include "holdfast/service/store_watch.hpp"
#include "holdfast/settings/settings.hpp"
#include "monitor.hpp"

namespace holdfast {

class Daemon : private http::ConfigReload {
 public:
  // sources: where loaded came from, for a reload.
  Daemon(settings::LoadedSettings loaded, settings::Sources sources);
  ~Daemon() override;

  // Whether the files of keys and certificates that settings name can be used. Error: as start() would say
  // it.
  static Result<void> check_files(const settings::Settings& settings);

  // Opens everything, starts serving health, replays the journal, then takes requests. Errors (permanent):
  // one line; nothing is left running. end() is asked while it replays: once true, that is given up.
  Result<void> start(const std::function<bool()>& end = [] { return false; });

  // Reads the configuration again and logs what came of it.
  Result<http::ReloadAnswer> reload() override;

  // Readiness red, the drain, everything closed, within 25 s. hurry() is asked again and again: once true,
  // nothing more is waited for (what is not in the store is in the journal).
  void stop(const std::function<bool()>& hurry);

 private:
  Result<http::ReloadAnswer> take_over_settings();
  void warn_where_anybody_gets_in() const;
  Result<void> open_listeners();
  Result<void> open_storage();
  Result<void> connect_embedder();
  void wire();
  std::uint64_t accounted_bytes();
  std::size_t item_cache_bytes() const;
  std::string present_value(std::string_view key) const;
  void log_memory_limits() const;
  void level_changed(memory::Level level);
  void window_over();
  void tune();
  Result<void> replay_journal(const std::function<bool()>& end);
  std::chrono::milliseconds drain_delay();
  std::chrono::milliseconds drain_timeout();
  void drain(const std::function<bool()>& hurry);
  void close();
  void close_soon();  // or ends the process
  engine::Options engine_options(const settings::Settings& settings) const;
  metrics::UsageSources usage_sources() const;
  metrics::Capacity capacity() const;  // as it is now
  metrics::Fixed fixed_metrics() const;

  // In the order of construction; destroyed from the last to the first.
  const settings::Sources sources_;
  std::mutex reload_mutex_;
  settings::LoadedSettings loaded_;    // guarded by reload_mutex_ once started
  const settings::Settings settings_;  // of the start
  // As they are now; replaced by a reload, read by any thread.
  Snapshot<std::vector<settings::EffectiveValue>> shown_values_;
  const std::unique_ptr<const text::Embedder> remote_model_;  // null: the built-in embedder
  const text::Embedder& embedder_;
  runtime::ShardSet shard_set_;
  metrics::Probes probes_;
  metrics::TuningProbe tuning_probe_;
  memory::Pressure pressure_;
  memory::Watch memory_watch_;
  std::vector<http::Listener> listeners_;
  std::unique_ptr<store::MemoryStore> store_;
  std::unique_ptr<journal::Journal> journal_;
  std::unique_ptr<runtime::BlockingPool> store_pool_;
  std::unique_ptr<runtime::BlockingPool> compute_pool_;
  std::unique_ptr<flush::FlushWorkers> flush_workers_;
  std::unique_ptr<flush::DeadLetters> dead_letters_;
  std::unique_ptr<embedding::RemoteEmbedder> remote_;  // null: the built-in embedder
  std::unique_ptr<text::TokenCounter> tokens_;
  std::unique_ptr<engine::LiveOptions> live_options_;
  std::unique_ptr<engine::Parts> parts_;
  std::vector<std::unique_ptr<engine::UserShard>> shards_;
  std::unique_ptr<embedding::BackFill> back_fill_;
  std::unique_ptr<service::MemoryService> memory_;
  std::unique_ptr<service::StoreWatch> store_watch_;
  const double usable_cpus_ = usable_cpus();
  std::unique_ptr<metrics::WindowHistory> window_;
  std::unique_ptr<metrics::Exporter> exporter_;
  std::unique_ptr<metrics::ComponentTrends> trends_;
  std::unique_ptr<http::Status> status_;
  std::unique_ptr<http::LiveServing> live_serving_;
  std::unique_ptr<http::Api> api_;
  std::unique_ptr<http::Server> server_;
  std::optional<flush::AutoTuner> tuner_;  // guarded by reload_mutex_ once started; none: auto_tune is off
  std::unique_ptr<Monitor> monitor_;
  bool serving_ = false;
};

}  // namespace holdfast
