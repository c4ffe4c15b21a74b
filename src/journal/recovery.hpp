// What a restart makes of the segments it finds.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "ack_ledger.hpp"
#include "holdfast/io/file_system.hpp"
#include "holdfast/journal/journal.hpp"
#include "segment_format.hpp"
#include "segment_reader.hpp"

namespace holdfast::journal {

struct Recovered {
  AckLedger ledger;
  std::vector<SegmentHeader> segments;  // readable ones, oldest first
  bool last_can_go = true;              // all that is wrong with the last one has been copied
  std::uint64_t last_id = 0;
  Lsn last_lsn = 0;
  ReplaySummary summary;  // all but what replay itself counts
};

// Reads every segment past the page cache (after a failed sync the cache may show what the disk does not
// have), cuts the torn tail off the last one (after copying it to NAME.broken), copies damaged bytes
// (NAME.damaged-OFFSET), renames files without a valid header (NAME.broken) and finds what waits for the
// store. Nothing but zeros is ever deleted. Errors: what the file system says; permanent for a segment of
// another version.
// Keys are remembered for key_window.
Result<Recovered> recover(io::FileSystem& files, const io::Path& dir, std::chrono::milliseconds key_window);

// What a record says about which records wait for the store.
void note_record(const ScannedRecord& record, AckLedger& ledger, std::chrono::milliseconds key_window);

// Calls back for every operation of these segments that a restart must apply again (see Journal::replay), and
// counts them into summary.
Result<void> replay_segments(io::FileSystem& files, const io::Path& dir, const Recovered& recovered,
                             ReplaySummary& summary, const std::function<void(ReplayedRecord)>& apply);

}  // namespace holdfast::journal
