// What the daemon tells about itself: health documents (draft-inadarei-api-health-check), statistics and
// metrics. All of it is read from memory and /proc, never from the store, so it answers whatever the store
// does. Any thread.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "holdfast/engine/parts.hpp"
#include "holdfast/http/exchange.hpp"
#include "holdfast/http/options.hpp"
#include "holdfast/memory/watch.hpp"
#include "holdfast/metrics/bottleneck.hpp"
#include "holdfast/metrics/component_trends.hpp"
#include "holdfast/metrics/exporter.hpp"
#include "holdfast/metrics/history.hpp"
#include "holdfast/metrics/options.hpp"
#include "holdfast/metrics/probes.hpp"
#include "holdfast/metrics/window.hpp"
#include "holdfast/service/memory_service.hpp"
#include "holdfast/service/store_watch.hpp"

namespace holdfast::http {

enum class Phase { starting, ready, stopping };

// Everything outlives the Status.
struct StatusSources {
  const engine::Parts& parts;          // but for its options: those are
  const engine::LiveOptions& options;  // as they are now
  const metrics::Probes& probes;
  const metrics::WindowHistory& window;
  const metrics::Exporter& exporter;
  const service::StoreWatch& store;
  metrics::Options thresholds;
  std::size_t item_cache_bytes;  // that the store may keep
  const memory::Watch& memory;
  const metrics::ComponentTrends& trends;
  std::function<std::string(std::string_view)> present_value;  // of a setting, as written; any thread
  std::string version;
};

struct MemoryUse {
  std::uint64_t accounted_bytes = 0;
  std::optional<std::uint64_t> resident_bytes;  // as the monitor saw it last; none: unreadable
};

class Status {
 public:
  explicit Status(StatusSources sources) : from_(std::move(sources)) {}

  Phase phase() const { return phase_.load(std::memory_order_acquire); }
  void set_phase(Phase phase) { phase_.store(phase, std::memory_order_release); }

  Reply live() const;
  Reply ready() const;
  Reply buffer_health() const;
  Reply performance_health(std::optional<std::chrono::seconds> window) const;  // none: the aggregation window
  Reply metrics() const;
  // What the rules of metrics/bottleneck.hpp are applied to: this summary, and the daemon as it is now.
  metrics::Situation situation(metrics::Summary summary) const;
  std::string statistics() const;  // JSON, the data of /api/v1/buffer/stats
  // Likewise, of /api/v1/buffer/memory. users: those who take most, the first the most.
  std::string memory_use(std::span<const service::LargeUser> users, const Limits& limits) const;

  // A profile: one at a time, from begin_profile() (null while there is one) until what it gave is destroyed.
  using Profiling = std::unique_ptr<std::atomic<bool>, void (*)(std::atomic<bool>*)>;
  Profiling begin_profile();
  metrics::Moment moment() const { return from_.window.moment(); }
  // JSON: the rows of that time (none: of the aggregation window) with this metric, or (nullptr) with all.
  std::string history(std::optional<std::chrono::seconds> window, const metrics::HistoryMetric* metric) const;
  MemoryUse memory_now() const;
  // JSON, of the time until now; peaks: of memory in it.
  std::string profile(const metrics::Moment& since, const MemoryUse& peaks) const;

 private:
  const StatusSources from_;
  std::atomic<Phase> phase_{Phase::starting};
  std::atomic<bool> profiling_{false};
};

}  // namespace holdfast::http
