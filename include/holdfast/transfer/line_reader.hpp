// A file or stream line by line, in memory of a fixed size however long the lines are.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "holdfast/base/result.hpp"

namespace holdfast::transfer {

struct Line {
  std::uint64_t number = 0;  // from 1
  std::uint64_t end = 0;     // offset behind it and its line end
  std::string text;          // without the line end; empty when too_long
  bool too_long = false;
};

// Where to begin: behind line `line`, at byte `offset`.
struct LinePosition {
  std::uint64_t line = 0;
  std::uint64_t offset = 0;
};

// One thread at a time. Blocks as the descriptor does.
class LineReader {
 public:
  // descriptor: open for reading, at from.offset; stays the caller's.
  LineReader(int descriptor, LinePosition from, std::size_t buffer_size, std::size_t max_line_bytes);

  // Nothing at the end. "\r\n" ends a line as "\n" does; what stands behind the last one is a line too. After
  // an error (permanent: the descriptor cannot be read) nothing more is read.
  Result<std::optional<Line>> next();

 private:
  Result<bool> fill();  // false: the end

  const int descriptor_;
  const std::size_t max_line_bytes_;
  LinePosition position_;
  std::string buffer_;
  std::size_t begin_ = 0, end_ = 0;  // what is still unread in buffer_
};

}  // namespace holdfast::transfer
