// The groups that an export is made of, each adding its families.
#pragma once

#include "holdfast/base/clock.hpp"
#include "holdfast/memory/pressure.hpp"
#include "holdfast/memory/watch.hpp"
#include "holdfast/metrics/exporter.hpp"
#include "holdfast/metrics/tuning_probe.hpp"
#include "metrics/families.hpp"

namespace holdfast::metrics {

// From the probes.
void add_stages(const Probes& probes, SteadyTime now, Families& families);  // what is where, and its age
void add_ingest(const Probes& probes, Families& families);      // acknowledged, refused, retried, dead
void add_flushes(const Probes& probes, Families& families);     // batches, workers, store writes
void add_requests(const Probes& probes, Families& families);    // by route
void add_components(const Probes& probes, Families& families);  // time by part of the paths
void add_request_pool(const Probes& probes, Families& families);
void add_cache(const Probes& probes, Families& families);
void add_embedding(const EmbeddingProbe& embedding, Families& families);
void add_journal(const JournalProbe& journal, Families& families);

// From the memory monitor.
void add_memory(const Probes& probes, const memory::Report& report, const memory::Pressure& pressure,
                Families& families);

// From auto_tune.
void add_tuning(const TuningProbe& tuning, Families& families);

// From the kernel.
void add_process(const ProcessUsage& usage, Families& families);

// From the daemon and the window.
void add_identity(const Fixed& fixed, const Live& live, bool journal_failed, Families& families);
void add_limits(const Fixed& fixed, Families& families);
void add_window(const Summary& summary, Families& families);

}  // namespace holdfast::metrics
