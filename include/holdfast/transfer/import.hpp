// Imports: lines of NDJSON (message_line.hpp) to a target, in their order, in memory of a fixed size.
//
// Operation. The caller's thread reads lines and hands micro-batches of them to options.max_concurrent
// threads, which parse them and compute their features; it takes the results back in the order of the file
// and gives them to the target, options.chunk_size lines a transaction or request. What is under way is
// bounded by a few micro-batches a thread and by operation_limit * backpressure_threshold: past that nothing
// is read until the target has caught up.
//
// Exactly once. A message without an id gets one that follows from the source's name, its line's number and
// the line, so whatever is given again is found to be there. That holds for a run that was killed at any
// point; ResumePoint (resume_point.hpp) only spares the second run the work.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "holdfast/base/result.hpp"
#include "holdfast/store/memory_store.hpp"
#include "holdfast/text/embedder.hpp"
#include "holdfast/transfer/line_reader.hpp"
#include "holdfast/transfer/options.hpp"

namespace holdfast::transfer {

struct ChunkAnswer {
  std::uint64_t added = 0;
  std::uint64_t present = 0;  // were there already; 0 where the target does not tell
  std::vector<std::pair<std::size_t, std::string>> refused;  // (n-th message given, from 0; why), ascending
};

using NextMessages = std::function<std::vector<store::ImportedMessage>()>;

// Where messages go. One thread at a time.
class Target {
 public:
  virtual ~Target() = default;
  // Takes what next() gives until it gives nothing; all of it is durable when this returns. Errors: the
  // target failed; some of it may be durable.
  virtual Result<ChunkAnswer> write(const NextMessages& next) = 0;
  virtual bool wants_features() const = 0;
};

enum class OnError { skip, stop };

struct ImportCounts {
  LinePosition position;  // all lines up to here are done
  std::uint64_t added = 0;
  std::uint64_t present = 0;  // were there already
  std::uint64_t wrong = 0;    // lines that are not right, or that the target refused
};

struct Import {
  Options options;
  OnError on_error = OnError::stop;
  std::string source;                        // the name that ids are derived from
  LinePosition begin;                        // where the reader begins
  Timestamp now{};                           // created_at of messages without one
  const text::Embedder* embedder = nullptr;  // for a target that wants features
  text::ChunkOptions chunking;
  std::function<void(std::uint64_t line, const std::string& why)> on_wrong_line;
  std::function<void(const ImportCounts&)> on_chunk;  // after each chunk that is durable
  // Asked after each so many messages (memory/limits.hpp): true ends the chunk early, so that what it holds
  // is written and given back. Nothing: never asked.
  std::function<bool()> memory_is_short;
  std::uint64_t steps_between_checks = 20;
};

struct ImportSummary {
  ImportCounts counts;
  bool stopped = false;  // at a wrong line; what stands before it is in the target
  // Of the messages: after which it was asked whether memory is short, and after which it was.
  double check_rate = 0, pressure_event_rate = 0;
};

// Errors: the reader's or the target's; what on_chunk was told is durable then.
Result<ImportSummary> import_lines(LineReader& reader, Target& target, const Import& import);

}  // namespace holdfast::transfer
