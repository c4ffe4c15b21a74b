// A journal directory of any content: it is opened or refused, and opening it again gives the same
// operations.
//
// Input: a byte that chooses (0x80: what the store would read of it, and inspections, are looked at too; they
// are slow). 0: the rest is a segment file. 1: records and rubbish behind a valid header.
// Else segments made of pieces: a byte kind, a byte size (times 8 with 0x10), then so many bytes:
//   0 to 3: a record of type 1 to 4 with a valid CRC (the bytes: LSN step, flags, payload)
//   4: the bytes as they are
//   5: the next segment begins (the bytes: LSN step, and 1: its header is damaged, 2: and the copy too)
//   6: one byte of what is there is changed (the bytes: how far from the end, and by what)
//   7: zeros, as many as size says
#include "holdfast/journal/journal.hpp"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "fakes/memory_file_system.hpp"
#include "holdfast/base/log.hpp"
#include "holdfast/journal/inspect.hpp"
#include "journal/segment_format.hpp"
#include "require.hpp"

namespace holdfast::journal {
namespace {

using fuzz::require;

constexpr std::uint64_t kSalt = 0x5A17;
// Enough for every case of three neighbours; more only cost time.
constexpr int kMostPieces = 16, kMostSegments = 3;

// Writes segments that only the input's own pieces damage.
class Segments {
 public:
  void begin(std::uint8_t step, std::uint8_t damage) {
    if (id_ == kMostSegments) return;
    finish();
    ++id_;
    base_ = lsn_ + 1 + step;
    lsn_ = base_ - 1;
    const auto header = encode_segment_header({id_, kSalt, base_});
    data_ = header;
    data_.resize(kHeaderCopyOffset);
    data_ += header;
    if (damage & 1) data_[20] ^= 1;
    if (damage & 2) data_[kHeaderCopyOffset + 20] ^= 1;
  }
  void record(RecordType type, std::string_view bytes) {
    fuzz::Input input(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
    lsn_ += 1 + input.byte();
    const auto flags = input.byte();
    append_record(data_, kSalt, lsn_, type, input.rest(), flags);
  }
  void raw(std::string_view bytes) { data_ += bytes; }
  void zeros(std::size_t size) { data_.append(size, '\0'); }
  void change(std::string_view bytes) {
    if (bytes.size() < 2) return;
    const auto back = static_cast<std::uint8_t>(bytes[0]) * std::size_t{3} + 1;
    if (back < data_.size() - kRecordsOffset) data_[data_.size() - back] ^= bytes[1];
  }
  void finish() {
    if (id_ > 0) files.set_content(io::Path("/j") / segment_name(id_), data_);
  }

  io::MemoryFileSystem files;

 private:
  std::uint64_t id_ = 0;
  Lsn base_ = 1, lsn_ = 0;
  std::string data_;
};

void write_pieces(Segments& segments, fuzz::Input& input) {
  segments.begin(0, 0);
  for (int piece = 0; piece < kMostPieces && !input.empty(); ++piece) {
    const auto kind = input.byte();
    const std::size_t size = input.byte() * std::size_t{kind & 0x10 ? 8u : 1u};
    if ((kind & 7) == 7) {
      segments.zeros(size);
      continue;
    }
    const auto bytes = input.take(size);
    if ((kind & 7) < 4) segments.record(static_cast<RecordType>((kind & 7) + 1), bytes);
    if ((kind & 7) == 4) segments.raw(bytes);
    if ((kind & 7) == 5) {
      segments.begin(bytes.empty() ? 0 : static_cast<std::uint8_t>(bytes[0]),
                     bytes.size() < 2 ? 0 : static_cast<std::uint8_t>(bytes[1]));
    }
    if ((kind & 7) == 6) segments.change(bytes);
  }
  segments.finish();
}

struct Told {
  Lsn lsn = 0;
  bool stored = false;
  Bytes operation;
  bool operator==(const Told&) const = default;
};

// What a start is told; nothing where the journal is refused.
std::optional<std::vector<Told>> open_and_replay(io::FileSystem& files, bool read_too) {
  Options options;
  options.dir = "/j";
  options.segment_bytes = kRecordsOffset + 512;  // zeros that each input has to read
  static metrics::JournalProbe probe;
  auto journal = Journal::open(
      options, files, []() -> Result<Lsn> { return 0; }, probe);
  if (!journal) {
    require(!journal.error().message.empty(), "a refusal says why");
    return std::nullopt;
  }
  std::vector<Told> told;
  const auto done = (*journal)->replay([&](ReplayedRecord record) {
    const auto bytes = encode(record.operation);
    const auto again = decode(type_of(record.operation), bytes);
    require(again && encode(*again) == bytes, "an operation is decoded to what is encoded");
    require(told.empty() || told.back().lsn < record.lsn, "operations come in LSN order");
    told.push_back({record.lsn, record.stored, bytes});
  });
  require(done.has_value(), "what was opened can be replayed");
  if (!read_too) return told;
  std::vector<Lsn> read;
  const auto end = (*journal)->read({}, ~Lsn{0}, [&](ReplayedRecord record) {
    require(read.empty() || read.back() < record.lsn, "appends are read in LSN order");
    read.push_back(record.lsn);
    return true;
  });
  require(end.has_value(), "what was opened can be read");
  for (const auto& one : told) {
    if (one.stored || !decode(RecordType::append, one.operation)) continue;
    require(std::binary_search(read.begin(), read.end(), one.lsn),
            "what waits for the store can be read again");
  }
  return told;
}

void look(io::FileSystem& files, bool readable) {
  const auto inspection = inspect(files, "/j");
  require(inspection.has_value(), "any directory can be inspected");
  require(!to_text(*inspection).empty(), "an inspection is told");
  for (const auto& segment : inspection->segments) {
    require(!readable || segment.problem.empty(), "what was opened has no unreadable segments left");
  }
}

void run(fuzz::Input input) {
  static const bool quiet = (log::configure(log::Format::text, "CRITICAL"), true);
  (void)quiet;
  Segments segments;
  const auto choices = input.byte();
  const bool thorough = choices & 0x80;
  const auto choice = choices & 0x7f;
  if (choice == 0) {
    segments.files.set_content("/j/0000000000000001.journal", std::string(input.rest()));
  } else if (choice == 1) {
    segments.begin(0, 0);
    segments.raw(input.rest());
    segments.finish();
  } else {
    write_pieces(segments, input);
  }
  if (thorough) look(segments.files, false);
  const auto first = open_and_replay(segments.files, thorough);
  if (!first) return;
  if (thorough) look(segments.files, true);
  const auto second = open_and_replay(segments.files, false);
  require(second.has_value(), "what was opened once opens again");
  require(*second == *first, "the same operations come back");
}

}  // namespace
}  // namespace holdfast::journal

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  holdfast::journal::run({data, size});
  return 0;
}
