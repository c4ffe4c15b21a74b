// How far an import of a file has come: a small file beside it. It only spares a second run the lines that
// are done; that nothing is imported twice follows from the messages' ids (import.hpp), so a point that is
// lost or behind does no harm. A point counts only for the same target and while the file is the same up to
// there.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "holdfast/base/result.hpp"
#include "holdfast/transfer/line_reader.hpp"

namespace holdfast::transfer {

class ResumePoint {
 public:
  // descriptor: the imported file, open for reading; its position is not moved. target: anything that names
  // where the messages go.
  ResumePoint(std::filesystem::path path, int descriptor, std::string target);

  // Nothing: there is no point, or it is of another target or file.
  std::optional<LinePosition> read() const;
  // Replaces the point whole. Error (permanent): it cannot be written, and why.
  Result<void> write(LinePosition position) const;

 private:
  std::string check(std::uint64_t offset) const;  // of the file's bytes before offset; empty: there are none

  const std::filesystem::path path_;
  const int descriptor_;
  const std::string target_;
};

}  // namespace holdfast::transfer
