// Lines to messages that are ready for a target: read here, prepared by several threads, given back in the
// order of the file.
//
// Bounded: kPortionsAThread micro-batches a thread and operation_limit * backpressure_threshold bytes, the
// micro-batch given last among them.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "holdfast/transfer/import.hpp"
#include "holdfast/transfer/line_reader.hpp"

namespace holdfast::transfer {

struct PreparedLine {
  std::uint64_t number = 0;
  store::ImportedMessage message;
  std::string problem;  // not empty: the line is wrong, and there is no message
};

struct MicroBatch {
  std::vector<PreparedLine> lines;  // without the empty ones
  LinePosition end;                 // behind its last line, empty or not
};

class Preparation {
 public:
  using Prepare = std::function<PreparedLine(Line)>;  // called on several threads at a time

  Preparation(LineReader& reader, const Options& options, Prepare prepare);
  ~Preparation();  // ends the threads; what is under way is dropped

  // Owner's thread. Nothing at the end. Errors: the reader's.
  Result<std::optional<MicroBatch>> next();

 private:
  struct Portion {
    std::vector<Line> raw;
    MicroBatch prepared;
    std::size_t bytes = 0;
    bool done = false;
  };

  Result<void> read_ahead();
  Result<bool> read_portion();  // false: the end
  void work();

  LineReader& reader_;
  const Options options_;
  const Prepare prepare_;
  const std::size_t most_bytes_;

  // Owned by the owner's thread
  std::deque<std::unique_ptr<Portion>> under_way_;  // in order
  std::size_t bytes_ = 0;                           // of under_way_ and the portion given last
  std::size_t given_bytes_ = 0;
  bool at_end_ = false;

  std::mutex mutex_;
  std::condition_variable given_, done_;
  std::deque<Portion*> waiting_;  // guarded by mutex_, as is Portion::done
  bool stopping_ = false;         // guarded by mutex_
  std::vector<std::thread> threads_;
};

}  // namespace holdfast::transfer
