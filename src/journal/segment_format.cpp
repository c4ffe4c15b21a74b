#include "segment_format.hpp"

#include <spdlog/fmt/fmt.h>

#include "holdfast/base/bytes.hpp"
#include "holdfast/base/crc32c.hpp"

namespace holdfast::journal {
namespace {

// A CRC stored next to the data it covers is masked (rotated and offset, as LevelDB does), so that data which
// itself contains records with CRCs cannot pass by accident.
std::uint32_t mask(std::uint32_t crc) {
  return ((crc >> 15) | (crc << 17)) + 0xA282EAD8u;
}

constexpr std::size_t kCrcOffset = 4;         // in a record's header
constexpr std::size_t kHeaderCrcOffset = 40;  // in a segment's header

constexpr std::uint8_t kMoreFollows = 0x80;  // of a varint's byte: seven bits a byte, the lowest first
constexpr int kLastVarintShift = 63;

std::uint32_t record_crc(std::uint64_t salt, std::string_view header, std::string_view payload) {
  const std::string_view salt_bytes(reinterpret_cast<const char*>(&salt), sizeof(salt));
  auto crc = crc32c(salt_bytes);
  crc = crc32c(header.substr(0, kCrcOffset), crc);
  crc = crc32c(header.substr(kCrcOffset + 4), crc);
  return mask(crc32c(payload, crc));
}

}  // namespace

std::string encode_segment_header(const SegmentHeader& header) {
  std::string bytes(kMagic);
  ByteWriter writer(bytes);
  writer.integer(header.version);
  writer.integer(std::uint32_t{0});
  writer.integer(header.id);
  writer.integer(header.salt);
  writer.integer(header.base_lsn);
  writer.integer(mask(crc32c(bytes)));
  bytes.resize(kSegmentHeaderBytes, '\0');
  return bytes;
}

std::optional<SegmentHeader> decode_segment_header(std::string_view bytes) {
  if (bytes.size() < kSegmentHeaderBytes || !bytes.starts_with(kMagic)) return std::nullopt;
  ByteReader reader(bytes.substr(kMagic.size()));
  SegmentHeader header;
  header.version = reader.integer<std::uint32_t>();
  reader.integer<std::uint32_t>();
  header.id = reader.integer<std::uint64_t>();
  header.salt = reader.integer<std::uint64_t>();
  header.base_lsn = reader.integer<Lsn>();
  const auto crc = reader.integer<std::uint32_t>();
  if (crc != mask(crc32c(bytes.substr(0, kHeaderCrcOffset)))) return std::nullopt;
  if (header.base_lsn == 0 || header.base_lsn > kHighestBase) return std::nullopt;
  return header;
}

std::string segment_name(std::uint64_t id) {
  return fmt::format("{:016x}.journal", id);
}

std::optional<std::uint64_t> segment_id(std::string_view name) {
  if (name.size() != 24 || !name.ends_with(".journal")) return std::nullopt;
  std::uint64_t id = 0;
  for (const char c : name.substr(0, 16)) {
    const int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
    if (digit < 0) return std::nullopt;
    id = id << 4 | static_cast<std::uint64_t>(digit);
  }
  if (id > kGreatestSegmentId) return std::nullopt;
  return id;
}

void append_record(std::string& out, std::uint64_t salt, Lsn lsn, RecordType type, std::string_view payload,
                   std::uint8_t flags) {
  const auto begin = out.size();
  ByteWriter writer(out);
  writer.integer(static_cast<std::uint32_t>(payload.size()));
  writer.integer(std::uint32_t{0});  // the CRC, below
  writer.integer(lsn);
  writer.integer(static_cast<std::uint8_t>(type));
  writer.integer(flags);
  writer.integer(std::uint16_t{0});
  writer.integer(std::uint32_t{0});
  const auto crc = record_crc(salt, std::string_view(out).substr(begin, kRecordHeaderBytes), payload);
  std::memcpy(out.data() + begin + kCrcOffset, &crc, sizeof(crc));
  out.append(payload);
  out.resize(begin + record_bytes(payload.size()), '\0');
}

RecordHeader decode_record_header(std::string_view bytes) {
  ByteReader reader(bytes);
  RecordHeader header;
  header.length = reader.integer<std::uint32_t>();
  header.crc = reader.integer<std::uint32_t>();
  header.lsn = reader.integer<Lsn>();
  header.type = static_cast<RecordType>(reader.integer<std::uint8_t>());
  header.flags = reader.integer<std::uint8_t>();
  return header;
}

bool verify_record(std::uint64_t salt, std::string_view header_bytes, std::string_view payload) {
  const auto header = decode_record_header(header_bytes);
  return header.crc == record_crc(salt, header_bytes.substr(0, kRecordHeaderBytes), payload);
}

std::string encode_acknowledgement(const std::vector<Lsn>& lsns) {
  std::string payload;
  Lsn before = 0;
  for (const auto lsn : lsns) {
    auto difference = lsn - before;
    for (; difference >= kMoreFollows; difference >>= 7) {
      payload.push_back(static_cast<char>(difference | kMoreFollows));
    }
    payload.push_back(static_cast<char>(difference));
    before = lsn;
  }
  return payload;
}

std::optional<std::vector<Lsn>> decode_acknowledgement(std::string_view payload) {
  std::vector<Lsn> lsns;
  Lsn before = 0;
  std::uint64_t difference = 0;
  int shift = 0;
  for (const char c : payload) {
    const auto byte = static_cast<std::uint8_t>(c);
    if (shift == kLastVarintShift && byte > 1) return std::nullopt;
    difference |= std::uint64_t{byte & 0x7Fu} << shift;
    shift += 7;
    if (byte & kMoreFollows) continue;
    if (difference == 0 || before + difference < before) return std::nullopt;  // not ascending
    lsns.push_back(before += difference);
    difference = 0;
    shift = 0;
  }
  if (shift != 0) return std::nullopt;
  return lsns;
}

}  // namespace holdfast::journal
