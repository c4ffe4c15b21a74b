// What a restart makes of the segments it finds.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "ack_ledger.hpp"
#include "holdfast/io/file_system.hpp"
#include "holdfast/journal/journal.hpp"
#include "segment_format.hpp"

namespace holdfast::journal {

struct Recovered {
  AckLedger ledger;
  std::vector<SegmentHeader> segments;  // readable ones, oldest first
  std::uint64_t last_id = 0;
  Lsn last_lsn = 0;
  ReplaySummary summary;  // all but what replay itself counts
};

// Reads every segment past the page cache (after a failed sync the cache may show what the disk does not
// have), sets torn tails aside (NAME.broken), saves damaged bytes (NAME.damaged-OFFSET) and finds what waits
// for the store. Deletes nothing.
Result<Recovered> recover(io::FileSystem& files, const io::Path& dir);

// Calls back for every operation that a restart must apply again (see Journal::replay).
Result<void> replay_segments(io::FileSystem& files, const io::Path& dir, const Recovered& recovered,
                             ReplaySummary& summary, const std::function<void(ReplayedRecord)>& apply);

}  // namespace holdfast::journal
