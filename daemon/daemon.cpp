#include "daemon.hpp"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/post.hpp>
#include <cstdlib>
#include <mutex>
#include <thread>
#include <utility>

#include "holdfast/base/log.hpp"
#include "holdfast/http/tls.hpp"
#include "holdfast/io/file_system.hpp"
#include "holdfast/query/speculation.hpp"
#include "holdfast/store/sqlite_store.hpp"
#include "run_on.hpp"
#include "store_identity.hpp"

namespace holdfast {
namespace {

constexpr unsigned kStoreThreads = 3;
constexpr std::size_t kStoreQueue = 1024;
constexpr std::size_t kComputeQueue = 4096;

// The age by which a healthy daemon has stored a message.
std::chrono::milliseconds flush_deadline(const buffer::Options& buffer) {
  const bool timed = buffer.strategy != buffer::FlushStrategy::size_based && buffer.hybrid.auto_flush;
  if (!timed) return buffer.force_flush_timeout;
  return std::min(buffer.flush_interval + buffer.hybrid.auto_flush_interval, buffer.force_flush_timeout);
}

// The keys and the certificate.
Result<void> read_files(const settings::Settings& settings, http::Serving& serving) {
  if (settings.auth_enabled) {
    auto keys = http::AccessKeys::read(settings.keys_file);
    if (!keys) return keys.error();
    serving.keys = std::move(*keys);
  }
  if (!settings.tls_certificate.empty()) {
    auto tls = http::load_tls(settings.tls_certificate, settings.tls_key);
    if (!tls) return tls.error();
    serving.tls = std::move(*tls);
  }
  return {};
}

// What requests may hold is part of what the process may: a quarter of it, and one body an eighth.
Result<std::shared_ptr<const http::Serving>> serving_for(const settings::Settings& settings,
                                                         std::size_t process_bytes) {
  auto serving = std::make_shared<http::Serving>();
  serving->limits = settings.limits;
  auto& limits = serving->limits;
  limits.inflight_bytes = std::min(limits.inflight_bytes, process_bytes / 4);
  limits.bulk_body_bytes = std::min(limits.bulk_body_bytes, process_bytes / 8);
  limits.pool_bytes = std::min(limits.pool_bytes, process_bytes / 16);
  serving->user_share = settings.user_share;
  serving->result_order = {settings.sort_results == settings::SortResults::by_timestamp,
                           settings.results_descending};
  if (auto done = read_files(settings, *serving); !done) return done.error();
  return std::shared_ptr<const http::Serving>(std::move(serving));
}

flush::Tuning tuning_of(const settings::Settings& settings) {
  return {settings.flush.workers, settings.buffer.hybrid.max_rounds};
}

}  // namespace

Daemon::Daemon(settings::LoadedSettings loaded, settings::Sources sources)
    : sources_(std::move(sources)),
      loaded_(std::move(loaded)),
      settings_(loaded_.settings),
      remote_model_(settings_.embedding.remote ? std::make_unique<embedding::RemoteModel>(settings_.embedding)
                                               : nullptr),
      embedder_(remote_model_ ? *remote_model_ : text::builtin_embedder()),
      shard_set_(settings_.shards > 0 ? settings_.shards : runtime::default_shard_count()),
      probes_(shard_set_.size()),
      memory_watch_(
          settings_.memory, {}, [this] { return accounted_bytes(); }, pressure_) {
  shown_values_.set(std::make_shared<const std::vector<settings::EffectiveValue>>(loaded_.values));
}

Daemon::~Daemon() = default;

Result<void> Daemon::check_files(const settings::Settings& settings) {
  http::Serving serving;
  return read_files(settings, serving);
}

Result<void> Daemon::start(const std::function<bool()>& end) {
  auto serving = serving_for(settings_, memory_watch_.limits().process.bytes);
  if (!serving) return serving.error();
  live_serving_ = std::make_unique<http::LiveServing>(std::move(*serving));
  if (auto opened = open_listeners(); !opened) return opened;
  if (auto opened = open_storage(); !opened) return opened;
  if (auto connected = connect_embedder(); !connected) return connected;
  wire();
  shard_set_.start();
  journal_->start(shard_set_.size(), [this](unsigned shard, std::vector<journal::Completion> completions) {
    auto& port = shards_[shard]->journal;
    boost::asio::post(shard_set_.executor(shard), [&port, completions = std::move(completions)]() mutable {
      port.deliver(std::move(completions));
    });
  });
  for (auto& shard : shards_) {
    boost::asio::post(shard->executor, [&loop = shard->flush_loop] { loop.start(); });
    boost::asio::co_spawn(shard->executor, query::speculate_when_idle(*shard),
                          [](const std::exception_ptr& problem) {
                            if (problem) log::error("predicting queries ended in an exception");
                          });
  }
  server_->start();
  serving_ = true;
  if (auto replayed = replay_journal(end); !replayed) {
    end() ? close_soon() : close();
    return replayed;
  }
  status_->set_phase(http::Phase::ready);
  store_pool_->submit([this] { (void)store_->warm_up(); });
  const char* scheme = settings_.tls_certificate.empty() ? "http" : "https";
  if (settings_.admin) {
    log::info("operational routes on {}://{}:{}", scheme, settings_.admin->host, server_->port(1));
  }
  warn_where_anybody_gets_in();
  log::info("ready on {}://{}:{} (mode {}, durability {}, {} shards, profile {})", scheme,
            settings_.listen.host, server_->port(0), settings_.buffer_enabled ? "buffer" : "bypass",
            journal::to_string(settings_.journal.durability), shard_set_.size(), settings_.profile);
  return {};
}

void Daemon::warn_where_anybody_gets_in() const {
  boost::system::error_code not_an_address;
  const auto address = boost::asio::ip::make_address(settings_.listen.host, not_an_address);
  if (settings_.auth_enabled || (!not_an_address && address.is_loopback())) return;
  log::warn("auth.enabled is false: whoever reaches {}:{} reads and writes what is everybody's",
            settings_.listen.host, server_->port(0));
}

Result<void> Daemon::open_listeners() {
  const auto side = settings_.admin ? http::Side::without_admin : http::Side::everything;
  auto main = http::open_listener(settings_.listen, shard_set_.context(0));
  if (!main) return main.error();
  listeners_.push_back({std::move(*main), side});
  if (!settings_.admin) return {};
  auto admin = http::open_listener(*settings_.admin, shard_set_.context(0));
  if (!admin) return admin.error();
  listeners_.push_back({std::move(*admin), http::Side::admin_only});
  return {};
}

// What changes while the daemon runs goes to the shards and to the listeners as one snapshot each, all of it
// checked before the first of them takes effect.
Result<http::ReloadAnswer> Daemon::take_over_settings() {
  const std::lock_guard lock(reload_mutex_);
  auto reloaded = settings::reload(loaded_, sources_);
  if (!reloaded) return reloaded.error();
  const auto& settings = reloaded->loaded.settings;
  if (settings.tls_certificate.empty() != settings_.tls_certificate.empty()) {
    return permanent("server.tls cannot be switched on or off while the daemon runs");
  }
  auto serving = serving_for(settings, memory_watch_.limits().process.bytes);
  if (!serving) return serving.error();
  memory_watch_.set_limits(settings.memory.limits);
  auto options = std::make_shared<const engine::Options>(engine_options(settings));
  log::set_level(settings.log_level);
  live_serving_->set(std::move(*serving));
  if (settings.auth_enabled) log::info("keys read again: {}", settings.keys_file.string());
  if (!settings.tls_certificate.empty()) {
    log::info("certificate read again: {}", settings.tls_certificate.string());
  }
  live_options_->set(options);
  run_on(shard_set_.executor(0), memory_->reconfigure(std::move(options)));
  if (tuner_) {
    tuner_.emplace(tuning_of(settings));
    flush_workers_->set_working(settings_.flush.workers);
  }
  window_->set_capacity(capacity());
  loaded_ = std::move(reloaded->loaded);
  if (!loaded_.warning.empty()) log::warn("{}", loaded_.warning);
  shown_values_.set(std::make_shared<const std::vector<settings::EffectiveValue>>(loaded_.values));
  return http::ReloadAnswer{std::move(reloaded->changed), std::move(reloaded->needs_restart)};
}

Result<http::ReloadAnswer> Daemon::reload() {
  auto done = take_over_settings();
  if (!done) {
    log::error("configuration refused, nothing changed: {}", done.error().message);
    return done;
  }
  const auto join = [](const std::vector<std::string>& keys) {
    std::string text;
    for (const auto& key : keys) text += (text.empty() ? "" : ", ") + key;
    return text.empty() ? std::string("nothing") : text;
  };
  log::info("configuration reloaded; changed: {}; needs a restart: {}", join(done->changed),
            join(done->needs_restart));
  return done;
}

Result<void> Daemon::open_storage() {
  if (settings_.journal.durability == journal::Durability::none) {
    log::warn("journal.durability is none: acknowledged messages are lost when the process is killed");
  }
  // The store is opened once the journal's directory is ours; the journal must not reuse an LSN the store has
  // seen.
  const auto open_store = [this]() -> Result<Lsn> {
    auto sqlite = settings_.sqlite;
    sqlite.busy_timeout = settings_.flush.flush_timeout;
    sqlite.max_cached_bytes = item_cache_bytes();
    auto store = store::open_sqlite_store(sqlite, embedder_);
    if (!store) return store.error();
    store_ = std::move(*store);
    return store_->last_lsn();
  };
  auto journal =
      journal::Journal::open(settings_.journal, io::posix_file_system(), open_store, probes_.journal);
  if (!journal) return journal.error();
  journal_ = std::move(*journal);
  const auto id = store_->id();
  if (!id) return id.error();
  auto kept = keep_to_store(io::posix_file_system(), settings_.journal.dir, *id,
                            static_cast<std::uint64_t>(probes_.journal.unacknowledged.value()));
  if (!kept) return permanent("store " + settings_.sqlite.path.string() + ": " + kept.error().message);
  auto letters = flush::DeadLetters::open(io::posix_file_system(), settings_.journal.dir / "dead-letters");
  if (!letters) return letters.error();
  dead_letters_ = std::move(*letters);
  return {};
}

Result<void> Daemon::connect_embedder() {
  if (!remote_model_) {
    log::info("embedder: {}", embedder_.fingerprint());
    return {};
  }
  const auto& options = settings_.embedding;
  const char* key = options.api_key_env.empty() ? "" : std::getenv(options.api_key_env.c_str());
  if (!key || (!*key && !options.api_key_env.empty())) {
    return permanent("embedding.openai.api_key_env: there is no environment variable " + options.api_key_env);
  }
  remote_ = std::make_unique<embedding::RemoteEmbedder>(options, key, system_clock(), probes_.embedding);
  log::info("embedder: {} at {}://{}:{}{}", embedder_.fingerprint(), options.endpoint.tls ? "https" : "http",
            options.endpoint.host, options.endpoint.port, options.endpoint.path);
  return {};
}

void Daemon::wire() {
  const auto& clock = system_clock();
  store_pool_ = std::make_unique<runtime::BlockingPool>("store", kStoreThreads, kStoreQueue);
  compute_pool_ = std::make_unique<runtime::BlockingPool>("compute", 1, kComputeQueue);
  flush_workers_ = std::make_unique<flush::FlushWorkers>(settings_.flush, *store_, embedder_, clock,
                                                         pressure_, probes_.flush);
  tokens_ = std::make_unique<text::TokenCounter>(settings_.token_model, settings_.token_fallback_multiplier);
  const auto options = std::make_shared<const engine::Options>(engine_options(settings_));
  live_options_ = std::make_unique<engine::LiveOptions>(options);
  parts_ = std::make_unique<engine::Parts>(
      engine::Parts{options, clock, *store_, *store_pool_, *flush_workers_, *journal_, *compute_pool_,
                    *dead_letters_, embedder_, *tokens_, pressure_, remote_.get()});
  if (!tokens_->exact()) {
    log::warn("the encoding of token model {} is not known: tokens are estimated from words",
              settings_.token_model);
  }
  for (unsigned i = 0; i < shard_set_.size(); ++i) {
    shards_.push_back(std::make_unique<engine::UserShard>(*parts_, i, shard_set_.size(),
                                                          shard_set_.executor(i), *probes_.shards[i]));
  }
  if (remote_) {
    // Answers from before are not what would be found now.
    const auto filled = [this](const std::vector<std::string>& user_ids) {
      for (const auto& id : user_ids) {
        auto& shard = *shards_[shard_set_.owner(route_key(id))];
        boost::asio::post(shard.executor, [&shard, id] {
          if (auto* user = shard.table.find_user(id)) shard.table.written(*user);
        });
      }
    };
    back_fill_ = std::make_unique<embedding::BackFill>(*remote_, *store_, settings_.flush.chunking, clock,
                                                       probes_.embedding, filled);
  }
  memory_ = std::make_unique<service::MemoryService>(*parts_, shard_set_, shards_);
  store_watch_ = std::make_unique<service::StoreWatch>(*store_, *store_pool_, clock);
  window_ = std::make_unique<metrics::WindowHistory>(probes_, settings_.metrics, capacity(), clock);
  exporter_ = std::make_unique<metrics::Exporter>(probes_, *window_, clock, fixed_metrics(), [this] {
    metrics::Live live{status_->phase() == http::Phase::ready,
                       live_options_->get()->mode == engine::Mode::bypass,
                       dead_letters_->count(),
                       flush_workers_->breaker().open(),
                       remote_ && remote_->breaker().open(),
                       std::nullopt,
                       memory_watch_.report(),
                       &pressure_,
                       settings_.auto_tune ? &tuning_probe_ : nullptr,
                       flush_workers_->working(),
                       memory_watch_.limits().buffers.bytes,
                       flush_deadline(live_options_->get()->buffer)};
    if (const auto counts = store_watch_->state().counts) {
      live.store = {counts->users, counts->agents, counts->sessions, counts->messages, counts->knowledge};
    }
    return live;
  });
  trends_ = std::make_unique<metrics::ComponentTrends>(probes_);
  status_ = std::make_unique<http::Status>(
      http::StatusSources{*parts_, *live_options_, probes_, *window_, *exporter_, *store_watch_,
                          settings_.metrics, item_cache_bytes(), memory_watch_, *trends_,
                          [this](std::string_view key) { return present_value(key); }, HOLDFAST_VERSION});
  api_ = std::make_unique<http::Api>(http::Api{*memory_, *status_, *live_serving_, *this});
  server_ = std::make_unique<http::Server>(std::move(listeners_), shard_set_, *api_, probes_);
  log_memory_limits();
  if (settings_.auto_tune) tuner_.emplace(tuning_of(settings_));
  monitor_ = std::make_unique<Monitor>(
      settings_.metrics, usage_sources(), *window_, *store_watch_, memory_watch_, *trends_,
      [this](memory::Level level) { level_changed(level); }, [this] { window_over(); });
}

std::string Daemon::present_value(std::string_view key) const {
  const auto values = shown_values_.get();
  const auto found = std::find_if(values->begin(), values->end(),
                                  [&](const settings::EffectiveValue& value) { return value.key == key; });
  return found == values->end() ? std::string() : found->value;
}

engine::Options Daemon::engine_options(const settings::Settings& settings) const {
  engine::Options options;
  options.mode = settings.buffer_enabled ? engine::Mode::buffer : engine::Mode::bypass;
  options.buffer = settings.buffer;
  options.flush = settings.flush;
  options.cache = settings.cache;
  options.speculation = settings.speculation;
  options.chunk_strategy = settings.chunk_strategy;
  options.durability = settings.journal.durability;
  options.max_buffer_bytes = memory_watch_.limits().buffers.bytes;
  options.user_share = settings.user_share;
  options.max_journal_bytes = settings.journal.max_bytes;
  options.idempotency_window = settings.journal.key_window;
  options.session_queries = settings.session_queries;
  return options;
}

metrics::Capacity Daemon::capacity() const {
  return {flush_workers_->working(), usable_cpus_, memory_watch_.limits().buffers.bytes};
}

metrics::Fixed Daemon::fixed_metrics() const {
  metrics::Fixed fixed;
  fixed.version = HOLDFAST_VERSION;
  fixed.commit = HOLDFAST_COMMIT;
  fixed.durability = journal::to_string(settings_.journal.durability);
  fixed.flush_workers = settings_.flush.workers;
  fixed.flush_queue_size = settings_.flush.queue_size;
  fixed.journal_limit_bytes = settings_.journal.max_bytes;
  fixed.sources = usage_sources();
  return fixed;
}

}  // namespace holdfast
