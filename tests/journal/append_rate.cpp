// How many small records a second the journal makes durable, beside what the disk does for a plain loop that
// writes and syncs one record at a time. Arguments: a directory on the disk in question (it is emptied of the
// run's files), and optionally the seconds for each line (default 2).
//   journal_append_rate ./rate 2
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <semaphore>
#include <string>

#include "holdfast/io/file_system.hpp"
#include "holdfast/journal/journal.hpp"

namespace {

using namespace holdfast;
using SteadyClock = std::chrono::steady_clock;

constexpr std::size_t kPayloadBytes = 250;
constexpr std::uint64_t kSegmentBytes = 64u << 20;

double seconds_since(SteadyClock::time_point began) {
  return std::chrono::duration<double>(SteadyClock::now() - began).count();
}

[[noreturn]] void fail(const Error& error) {
  std::fprintf(stderr, "%s\n", error.message.c_str());
  std::exit(1);
}

void measure_plain_loop(const std::filesystem::path& dir, double seconds) {
  auto file = io::posix_file_system().open(dir / "plain", io::OpenMode::create_new);
  if (!file) fail(file.error());
  if (auto done = (*file)->preallocate(kSegmentBytes); !done) fail(done.error());
  const std::string record(kPayloadBytes, 'r');
  const std::string_view pieces[] = {record};
  std::uint64_t count = 0;
  const auto began = SteadyClock::now();
  while (seconds_since(began) < seconds) {
    if (auto done = (*file)->write_at(count * kPayloadBytes % kSegmentBytes, pieces); !done)
      fail(done.error());
    if (auto done = (*file)->sync_data(); !done) fail(done.error());
    ++count;
  }
  std::printf("plain pwrite + fdatasync      %10.0f records/s\n",
              static_cast<double>(count) / seconds_since(began));
}

void measure_journal(const std::filesystem::path& dir, unsigned outstanding, double seconds) {
  journal::Options options;
  options.dir = dir / ("journal-" + std::to_string(outstanding));
  options.segment_bytes = kSegmentBytes;
  metrics::JournalProbe probe;
  const auto any_lsn = []() -> Result<Lsn> { return Lsn{0}; };
  auto opened = journal::Journal::open(options, io::posix_file_system(), any_lsn, probe);
  if (!opened) fail(opened.error());
  auto& log = **opened;
  std::counting_semaphore<> free_slots(outstanding);
  std::vector<Lsn> stored;
  log.start(1, [&](unsigned, std::vector<journal::Completion> completions) {
    stored.clear();
    for (const auto& completion : completions) {
      if (completion.error) fail(*completion.error);
      stored.push_back(completion.lsn);
    }
    log.acknowledge(stored);
    free_slots.release(static_cast<std::ptrdiff_t>(completions.size()));
  });
  if (auto done = log.replay([](const journal::ReplayedRecord&) {}); !done) fail(done.error());
  const std::string payload(kPayloadBytes, 'r');
  std::uint64_t count = 0;
  const auto began = SteadyClock::now();
  for (; seconds_since(began) < seconds; ++count) {
    free_slots.acquire();
    log.append({journal::Submission{0, 0, count, journal::RecordType::append, payload, {}}});
  }
  log.stop();
  const auto rate = static_cast<double>(count) / seconds_since(began);
  std::printf("journal, %4u outstanding     %10.0f records/s, %6.1f a group, sync p50 %.0f us\n", outstanding,
              rate, probe.group_records.snapshot().mean(),
              static_cast<double>(probe.sync_ns.snapshot().percentile(0.5)) / 1e3);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: %s DIRECTORY [SECONDS]\n", argv[0]);
    return 2;
  }
  const auto dir = std::filesystem::path(argv[1]) / "append-rate";
  const double seconds = argc > 2 ? std::atof(argv[2]) : 2.0;
  std::filesystem::create_directories(dir);
  measure_plain_loop(dir, seconds);
  for (const unsigned outstanding : {1u, 16u, 64u, 512u}) measure_journal(dir, outstanding, seconds);
  std::filesystem::remove_all(dir);
  return 0;
}
