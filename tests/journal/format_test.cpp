// The bytes on disk (src/journal/FORMAT.md): golden, and safe to decode whatever they are.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <random>

#include "journal/segment_format.hpp"

namespace holdfast::journal {
namespace {

std::string hex(std::string_view bytes) {
  std::string out;
  for (const unsigned char c : bytes) {
    static constexpr char digits[] = "0123456789abcdef";
    out += digits[c >> 4];
    out += digits[c & 15];
  }
  return out;
}

TEST(JournalFormat, GoldenBytes) {
  const auto header = encode_segment_header({7, 0x1122334455667788, 42});
  EXPECT_EQ(hex(header.substr(0, 44)),
            "484f4c444a524e4c"
            "03000000"
            "00000000"
            "0700000000000000"
            "8877665544332211"
            "2a00000000000000"
            "32e03be1");
  std::string record;
  append_record(record, 0x1122334455667788, 43, RecordType::erase, "abc");
  EXPECT_EQ(hex(record),
            "03000000"
            "d296ac12"
            "2b00000000000000"
            "03"
            "01"
            "0000"
            "00000000"
            "6162630000000000");
}

TEST(JournalFormat, GoldenAcknowledgement) {
  EXPECT_EQ(hex(encode_acknowledgement({300, 301, 303, 20'000})),
            "ac02"
            "01"
            "02"
            "f19901");
}

TEST(JournalFormat, GoldenAppend) {
  AppendRecord record;
  record.user_id = "u";
  record.round.session_id = "se";
  record.idempotency_key = "k";
  record.request_hash = 9;
  record.accepted_at = Timestamp{std::chrono::microseconds{4}};
  Message message;
  message.id = "m";
  message.role = Role::assistant;
  message.content = "hi";
  message.created_at = Timestamp{std::chrono::microseconds{1}};
  message.updated_at = Timestamp{std::chrono::microseconds{2}};
  message.seq = 5;
  message.metadata = "{}";
  message.tokens = 3;
  record.round.messages = {message};
  EXPECT_EQ(hex(encode(record)),
            "0100000075"
            "020000007365"
            "010000006b"
            "0900000000000000"
            "0400000000000000"
            "01000000"
            "010000006d"
            "01"
            "020000006869"
            "0100000000000000"
            "0200000000000000"
            "0500000000000000"
            "020000007b7d"
            "03000000");
}

TEST(JournalFormat, AcknowledgementsRoundTripAndNeverDescend) {
  std::mt19937_64 random(7);
  for (int i = 0; i < 2'000; ++i) {
    std::vector<Lsn> lsns;
    Lsn lsn = 0;
    for (auto left = random() % 20; left > 0; --left)
      lsns.push_back(lsn += 1 + (random() >> (5 + random() % 59)));
    if (!std::is_sorted(lsns.begin(), lsns.end(), std::less_equal<>())) continue;  // went beyond 64 bits
    const auto bytes = encode_acknowledgement(lsns);
    EXPECT_EQ(decode_acknowledgement(bytes), lsns);
  }
  const std::vector<Lsn> last = {~Lsn{0}};
  EXPECT_EQ(decode_acknowledgement(encode_acknowledgement(last)), last);
  for (const std::string_view bad : {"\x80", "\x05\x80", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02",
                                     "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x01"}) {
    EXPECT_FALSE(decode_acknowledgement(bad)) << hex(bad);
  }
  EXPECT_FALSE(decode_acknowledgement(std::string_view("\x05\x00", 2)));
}

TEST(JournalFormat, SegmentHeaderRoundTrip) {
  const auto bytes = encode_segment_header({7, 9, 42});
  const auto header = decode_segment_header(bytes);
  ASSERT_TRUE(header);
  EXPECT_EQ(header->id, 7u);
  EXPECT_EQ(header->salt, 9u);
  EXPECT_EQ(header->base_lsn, 42u);
  EXPECT_EQ(header->version, kVersion);
  for (std::size_t i = 0; i < 44; ++i) {
    auto damaged = bytes;
    damaged[i] ^= 1;
    EXPECT_FALSE(decode_segment_header(damaged)) << i;
  }
  EXPECT_FALSE(decode_segment_header(bytes.substr(0, 63)));
}

TEST(JournalFormat, SegmentNames) {
  EXPECT_EQ(segment_name(255), "00000000000000ff.journal");
  EXPECT_EQ(segment_id("00000000000000ff.journal"), 255u);
  for (const auto* other : {"", "ff.journal", "00000000000000fg.journal", "00000000000000ff.journal.broken",
                            "ffffffffffffffff.journal"}) {
    EXPECT_EQ(segment_id(other), std::nullopt) << other;
  }
}

Operation random_operation(std::mt19937& random) {
  const auto text = [&] { return std::string(random() % 20, static_cast<char>(random())); };
  switch (random() % 3) {
    case 0: {
      AppendRecord record{text(), {}, text(), random()};
      record.round.session_id = text();
      for (auto i = 1 + random() % 4; i > 0; --i) {
        Message message;
        message.id = text();
        message.session_id = record.round.session_id;
        message.role = static_cast<Role>(random() % 5);
        message.content = text();
        message.seq = random();
        message.metadata = text();
        message.created_at = Timestamp{std::chrono::microseconds{random()}};
        message.tokens = static_cast<std::uint32_t>(random());
        record.round.messages.push_back(message);
      }
      return record;
    }
    case 1: {
      UpdateRecord record{text(), text(), Timestamp{std::chrono::microseconds{random()}}, {}};
      for (auto i = random() % 4; i > 0; --i)
        record.changes.push_back({text(), Role::system, text(), text()});
      return record;
    }
    default: {
      EraseRecord record{text(), text(), {}};
      for (auto i = random() % 4; i > 0; --i) record.message_ids.push_back(text());
      return record;
    }
  }
}

TEST(JournalFormat, OperationsRoundTripAndNoTruncationPasses) {
  std::mt19937 random(5);
  for (int i = 0; i < 300; ++i) {
    const auto operation = random_operation(random);
    const auto bytes = encode(operation);
    const auto decoded = decode(type_of(operation), bytes);
    ASSERT_TRUE(decoded);
    ASSERT_EQ(encode(*decoded), bytes);
    for (std::size_t cut = 0; cut < bytes.size(); ++cut) {
      ASSERT_FALSE(decode(type_of(operation), std::string_view(bytes).substr(0, cut))) << cut;
    }
    ASSERT_FALSE(decode(type_of(operation), bytes + "x"));
  }
}

TEST(JournalFormat, AnyBytesAreDecodedOrRefused) {
  std::mt19937 random(6);
  for (int i = 0; i < 20'000; ++i) {
    std::string bytes(random() % 64, '\0');
    for (auto& c : bytes) c = static_cast<char>(random() % 7 ? random() % 4 : random());
    for (const auto type : {RecordType::append, RecordType::update, RecordType::erase})
      (void)decode(type, bytes);
    (void)decode_acknowledgement(bytes);
    (void)decode_segment_header(bytes);
  }
}

}  // namespace
}  // namespace holdfast::journal
