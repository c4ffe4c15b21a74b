#include "holdfast/transfer/line_reader.hpp"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string_view>

namespace holdfast::transfer {

LineReader::LineReader(int descriptor, LinePosition from, std::size_t buffer_size, std::size_t max_line_bytes)
    : descriptor_(descriptor), max_line_bytes_(max_line_bytes), position_(from), buffer_(buffer_size, '\0') {}

Result<bool> LineReader::fill() {
  ssize_t read = 0;
  do {
    read = ::read(descriptor_, buffer_.data(), buffer_.size());
  } while (read < 0 && errno == EINTR);
  if (read < 0) return permanent(std::string("cannot be read: ") + std::strerror(errno));
  begin_ = 0;
  end_ = static_cast<std::size_t>(read);
  return read > 0;
}

Result<std::optional<Line>> LineReader::next() {
  Line line;
  bool any = false;
  for (;;) {
    if (begin_ == end_) {
      const auto more = fill();
      if (!more) return more.error();
      if (!*more) break;
    }
    any = true;
    const std::string_view rest(buffer_.data() + begin_, end_ - begin_);
    const auto stop = rest.find('\n');
    const auto part = rest.substr(0, stop);
    line.too_long = line.too_long || line.text.size() + part.size() > max_line_bytes_;
    if (line.too_long) {
      line.text = {};
    } else {
      line.text += part;
    }
    const auto used = stop == std::string_view::npos ? rest.size() : stop + 1;
    begin_ += used;
    position_.offset += used;
    if (stop != std::string_view::npos) break;
  }
  if (!any) return std::optional<Line>{};
  if (line.text.ends_with('\r')) line.text.pop_back();
  line.number = ++position_.line;
  line.end = position_.offset;
  return std::optional<Line>(std::move(line));
}

}  // namespace holdfast::transfer
