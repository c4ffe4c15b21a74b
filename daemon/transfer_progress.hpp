// How an import is getting on, for whoever started it: on a terminal one line that is written over, else a
// line every few seconds. On standard error.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "holdfast/transfer/import.hpp"

namespace holdfast {

class TransferProgress {
 public:
  // total_bytes: 0 when not known. begin: where the run begins. added: the word for what counts.added are.
  TransferProgress(std::uint64_t total_bytes, transfer::LinePosition begin, const char* added);

  void show(const transfer::ImportCounts& counts);
  void wrong_line(std::uint64_t line, const std::string& why);
  // The last line, with what came of it all.
  void finish(const transfer::ImportCounts& counts, const std::string& outcome);

 private:
  std::string describe_counts(const transfer::ImportCounts& counts) const;
  std::string describe(const transfer::ImportCounts& counts, double seconds) const;
  void print(const std::string& line);

  const std::uint64_t total_bytes_;
  const transfer::LinePosition begin_;
  const char* const added_;
  const bool terminal_;
  const std::chrono::steady_clock::time_point began_;
  std::chrono::steady_clock::time_point shown_;
  std::size_t width_ = 0;  // of what stands on the terminal's line
};

}  // namespace holdfast
