#include "transfer_progress.hpp"

#include <spdlog/fmt/fmt.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

namespace holdfast {
namespace {

using std::chrono::steady_clock;

constexpr std::chrono::milliseconds kTerminalInterval{200};
constexpr std::chrono::seconds kPlainInterval{5};
constexpr std::size_t kBarWidth = 24;

std::string bar(double share) {
  const auto filled = static_cast<std::size_t>(share * static_cast<double>(kBarWidth));
  return "[" + std::string(filled, '=') + std::string(kBarWidth - filled, ' ') + "]";
}

std::string duration(double seconds) {
  const auto whole = static_cast<std::uint64_t>(seconds + 0.5);
  if (whole >= 3600) return fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
  return fmt::format("{}:{:02}", whole / 60, whole % 60);
}

}  // namespace

TransferProgress::TransferProgress(std::uint64_t total_bytes, transfer::LinePosition begin, const char* added)
    : total_bytes_(total_bytes),
      begin_(begin),
      added_(added),
      terminal_(::isatty(STDERR_FILENO) == 1),
      began_(steady_clock::now()),
      shown_(began_) {}

std::string TransferProgress::describe_counts(const transfer::ImportCounts& counts) const {
  return fmt::format("{} lines, {} {}, {} there already, {} wrong", counts.position.line, counts.added,
                     added_, counts.present, counts.wrong);
}

std::string TransferProgress::describe(const transfer::ImportCounts& counts, double seconds) const {
  const auto done = counts.position;
  const double rate = seconds > 0 ? static_cast<double>(done.line - begin_.line) / seconds : 0;
  auto text = fmt::format("{}, {:.0f} lines/s", describe_counts(counts), rate);
  if (total_bytes_ == 0) return text;
  const double share = std::min(1.0, static_cast<double>(done.offset) / static_cast<double>(total_bytes_));
  const double bytes = static_cast<double>(done.offset - begin_.offset);
  const double left = bytes > 0 ? seconds * static_cast<double>(total_bytes_ - done.offset) / bytes : 0;
  return fmt::format("{} {:3.0f} %  {}, {} left", bar(share), share * 100, text, duration(left));
}

void TransferProgress::print(const std::string& line) {
  if (!terminal_) {
    std::fprintf(stderr, "%s\n", line.c_str());
    return;
  }
  const auto padded = line + std::string(width_ > line.size() ? width_ - line.size() : 0, ' ');
  std::fprintf(stderr, "\r%s", padded.c_str());
  width_ = line.size();
}

void TransferProgress::show(const transfer::ImportCounts& counts) {
  const auto now = steady_clock::now();
  if (now - shown_ < (terminal_ ? steady_clock::duration(kTerminalInterval) : kPlainInterval)) return;
  shown_ = now;
  print(describe(counts, std::chrono::duration<double>(now - began_).count()));
}

void TransferProgress::wrong_line(std::uint64_t line, const std::string& why) {
  print(fmt::format("line {}: {}", line, why));
  if (terminal_) std::fputc('\n', stderr);
  width_ = 0;
}

void TransferProgress::finish(const transfer::ImportCounts& counts, const std::string& outcome) {
  const std::chrono::duration<double> spent = steady_clock::now() - began_;
  print(fmt::format(
      "{}: {} in {} ({:.0f} lines/s)", outcome, describe_counts(counts), duration(spent.count()),
      spent.count() > 0 ? static_cast<double>(counts.position.line - begin_.line) / spent.count() : 0));
  if (terminal_) std::fputc('\n', stderr);
}

}  // namespace holdfast
