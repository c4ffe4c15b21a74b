// The bytes of a journal segment (FORMAT.md tells the whole story). Little-endian.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "holdfast/journal/record.hpp"
#include "holdfast/model/types.hpp"

namespace holdfast::journal {

inline constexpr std::string_view kMagic = "HOLDJRNL";
inline constexpr std::uint32_t kVersion = 3;
inline constexpr std::size_t kSegmentHeaderBytes = 64;
// The header is there twice, in two disk blocks: without the salt in it no record could be verified.
inline constexpr std::uint64_t kHeaderCopyOffset = 4096;
inline constexpr std::uint64_t kRecordsOffset = kHeaderCopyOffset + kSegmentHeaderBytes;
inline constexpr std::size_t kRecordHeaderBytes = 24;
inline constexpr std::size_t kAlignment = 8;
inline constexpr std::uint8_t kCommitFlag = 1;  // the last record of a group that stands or falls as one
inline constexpr std::uint8_t kKeyFlag = 2;     // an append with an idempotency key
// More records than the largest segment holds: an LSN further from the segment's base is not believed.
inline constexpr Lsn kMostRecords = Lsn{1} << 26;
// Never reached by counting; above it the LSN after the last one might be 0.
inline constexpr Lsn kHighestBase = Lsn{1} << 62;

struct SegmentHeader {
  std::uint64_t id = 0;
  std::uint64_t salt = 0;
  Lsn base_lsn = 0;  // every record's LSN is at least this
  std::uint32_t version = kVersion;
};

std::string encode_segment_header(const SegmentHeader& header);  // kSegmentHeaderBytes long
// Of any version: whoever reads on must look at it.
std::optional<SegmentHeader> decode_segment_header(std::string_view bytes);

std::string segment_name(std::uint64_t id);  // "0000000000000001.journal"
// Counting never gets there; a file of such a name is none of the journal's, so that the next id is one too.
inline constexpr std::uint64_t kGreatestSegmentId = ~std::uint64_t{0} >> 1;
std::optional<std::uint64_t> segment_id(std::string_view name);

struct RecordHeader {
  std::uint32_t length = 0;  // of the payload
  std::uint32_t crc = 0;     // masked
  Lsn lsn = 0;
  RecordType type = RecordType::append;
  std::uint8_t flags = 0;
};

constexpr std::size_t aligned(std::size_t bytes) {
  return (bytes + kAlignment - 1) / kAlignment * kAlignment;
}
constexpr std::size_t record_bytes(std::size_t payload) {
  return aligned(kRecordHeaderBytes + payload);
}

// Appends header, payload and padding.
void append_record(std::string& out, std::uint64_t salt, Lsn lsn, RecordType type, std::string_view payload,
                   std::uint8_t flags = kCommitFlag);

// Fields without checking the CRC. bytes: at least kRecordHeaderBytes.
RecordHeader decode_record_header(std::string_view bytes);
// True when the CRC fits header and payload.
bool verify_record(std::uint64_t salt, std::string_view header_bytes, std::string_view payload);

// The payload of an acknowledge record. lsns: ascending, without repetition.
std::string encode_acknowledgement(const std::vector<Lsn>& lsns);
std::optional<std::vector<Lsn>> decode_acknowledgement(std::string_view payload);

}  // namespace holdfast::journal
