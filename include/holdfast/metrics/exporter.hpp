// /metrics: everything the probes, the window and the kernel say, in Prometheus' text format. The one place
// where metrics get their names, types, help and labels.
//
// Names begin with holdfast_ and carry their unit (seconds, bytes); counters end in _total. Labels come from
// closed sets. A value that is not known is left out, not 0. Sums over all shards. Histogram buckets: the
// counts below a bound come from log-linear buckets an eighth of an octave wide, so a value just under a
// bound may be counted in the next bucket; never the other way round.
#pragma once

#include <prometheus/collectable.h>
#include <prometheus/metric_family.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "holdfast/base/clock.hpp"
#include "holdfast/memory/pressure.hpp"
#include "holdfast/memory/watch.hpp"
#include "holdfast/metrics/probes.hpp"
#include "holdfast/metrics/process_usage.hpp"
#include "holdfast/metrics/tuning_probe.hpp"
#include "holdfast/metrics/window.hpp"

namespace holdfast::metrics {

// What does not change while the process runs. A limit of 0 is unlimited or unknown, and left out.
struct Fixed {
  std::string version;
  std::string commit;      // of the source, "unknown" where it was not at hand
  std::string durability;  // journal.durability: "fsync", "os" or "none"
  unsigned flush_workers = 0;
  std::size_t flush_queue_size = 0;       // batches
  std::uint64_t journal_limit_bytes = 0;  // journal.max_bytes
  UsageSources sources;                   // the directories to watch: "journal", "store"
};

struct StoreCounts {
  std::uint64_t users = 0, agents = 0, sessions = 0, messages = 0, knowledge = 0;
};

// What the daemon knows at the moment of the scrape.
struct Live {
  bool ready = false;
  bool bypass = false;
  std::size_t dead_letters = 0;
  bool store_circuit_open = false;
  bool embedding_circuit_open = false;
  std::optional<StoreCounts> store;            // when the store can say so cheaply
  std::optional<memory::Report> memory;        // the last check; none: left out,
  const memory::Pressure* pressure = nullptr;  // as is this
  const TuningProbe* tuning = nullptr;         // none: auto_tune is off, and this left out
  unsigned working_flush_workers = 0;
  std::uint64_t buffer_limit_bytes = 0;  // as in Capacity
  // The age by which a healthy daemon has stored a message: flush_interval + auto_flush_interval, or
  // force_flush_timeout where the strategy or the settings leave those out.
  std::chrono::milliseconds flush_deadline{0};
};

// Thread-safe: any thread, several at once. A scrape takes some 0.6 ms and reads /proc: not on a shard.
class Exporter : public prometheus::Collectable {
 public:
  // probes, window and clock must outlive this. live is called once a scrape, on the scraping thread.
  Exporter(const Probes& probes, const WindowHistory& window, const Clock& clock, Fixed fixed,
           std::function<Live()> live);

  std::vector<prometheus::MetricFamily> Collect() const override;

  // The body of the answer, "text/plain; version=0.0.4; charset=utf-8".
  std::string scrape() const;

 private:
  // Constant after construction.
  const Probes& probes_;
  const WindowHistory& window_;
  const Clock& clock_;
  const Fixed fixed_;
  const std::function<Live()> live_;
};

}  // namespace holdfast::metrics
