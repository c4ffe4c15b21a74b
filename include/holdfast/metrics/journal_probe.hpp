// What the journal counts. Written by the journal thread alone unless said; read by anyone.
#pragma once

#include "holdfast/metrics/counter.hpp"
#include "holdfast/metrics/histogram.hpp"

namespace holdfast::metrics {

struct JournalProbe {
  Counter records;          // made durable as configured
  Counter bytes;            // of records, headers included
  SharedCounter refused;    // queue or directory full (any thread)
  Counter failures;         // writes or syncs that failed
  Histogram sync_ns;        // one fdatasync
  Histogram group_records;  // records a group
  Counter segments;         // now
  Counter disk_bytes;       // now
  Counter unacknowledged;   // records now
  Counter ledger_bytes;     // now: in memory, of which records these are
  Counter segments_deleted;
  Counter segments_deleted_early;  // of these, with idempotency keys whose window was not over
  Counter last_lsn;
  Counter failed;  // 1 once poisoned
  Counter full;    // 1: the last records were refused for want of space, and nothing has changed since
  Counter reserve_missing;  // 1: the disk has no space for another segment
  Counter damaged_regions;  // found by the last start
  Counter first_lost_lsn;   // of those regions; 0: none
  Counter last_lost_lsn;
};

}  // namespace holdfast::metrics
