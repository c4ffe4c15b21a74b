// The bytes of a journal segment (FORMAT.md tells the whole story). Little-endian.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "holdfast/journal/record.hpp"
#include "holdfast/model/types.hpp"

namespace holdfast::journal {

inline constexpr std::string_view kMagic = "HOLDJRNL";
inline constexpr std::uint32_t kVersion = 1;
inline constexpr std::size_t kSegmentHeaderBytes = 64;
inline constexpr std::size_t kRecordHeaderBytes = 24;
inline constexpr std::size_t kAlignment = 8;
inline constexpr std::uint8_t kCommitFlag = 1;  // the last record of a group that stands or falls as one

struct SegmentHeader {
  std::uint64_t id = 0;
  std::uint64_t salt = 0;
  Lsn base_lsn = 0;  // every record's LSN is at least this
};

std::string encode_segment_header(const SegmentHeader& header);  // kSegmentHeaderBytes long
std::optional<SegmentHeader> decode_segment_header(std::string_view bytes);

std::string segment_name(std::uint64_t id);  // "0000000000000001.journal"
std::optional<std::uint64_t> segment_id(std::string_view name);

struct RecordHeader {
  std::uint32_t length = 0;  // of the payload
  std::uint32_t crc = 0;     // masked
  Lsn lsn = 0;
  RecordType type = RecordType::append;
  std::uint8_t flags = 0;
};

constexpr std::size_t record_bytes(std::size_t payload) {
  return (kRecordHeaderBytes + payload + kAlignment - 1) / kAlignment * kAlignment;
}

// Appends header, payload and padding.
void append_record(std::string& out, std::uint64_t salt, Lsn lsn, RecordType type, std::string_view payload);

// Fields without checking the CRC. bytes: at least kRecordHeaderBytes.
RecordHeader decode_record_header(std::string_view bytes);
// True when the header looks like one and its CRC fits header and payload.
bool verify_record(std::uint64_t salt, std::string_view header_bytes, std::string_view payload);

// The payload of an acknowledge record.
std::string encode_acknowledgement(const std::vector<Lsn>& lsns);
std::optional<std::vector<Lsn>> decode_acknowledgement(std::string_view payload);

}  // namespace holdfast::journal
