// The bytes on disk (src/journal/FORMAT.md): golden, and safe to decode whatever they are.
#include <gtest/gtest.h>

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
            "01000000"
            "00000000"
            "0700000000000000"
            "8877665544332211"
            "2a00000000000000"
            "99ee1620");
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

TEST(JournalFormat, SegmentHeaderRoundTrip) {
  const auto bytes = encode_segment_header({7, 9, 42});
  const auto header = decode_segment_header(bytes);
  ASSERT_TRUE(header);
  EXPECT_EQ(header->id, 7u);
  EXPECT_EQ(header->salt, 9u);
  EXPECT_EQ(header->base_lsn, 42u);
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
  for (const auto* other :
       {"", "ff.journal", "00000000000000fg.journal", "00000000000000ff.journal.broken"}) {
    EXPECT_EQ(segment_id(other), std::nullopt) << other;
  }
}

Operation random_operation(std::mt19937& random) {
  const auto text = [&] { return std::string(random() % 20, static_cast<char>(random())); };
  switch (random() % 3) {
    case 0: {
      AppendRecord record{text(), {}, text(), random()};
      record.round.session_id = text();
      record.round.tokens = random();
      for (auto i = 1 + random() % 4; i > 0; --i) {
        Message message;
        message.id = text();
        message.session_id = record.round.session_id;
        message.role = static_cast<Role>(random() % 5);
        message.content = text();
        message.seq = random();
        message.metadata = text();
        message.created_at = Timestamp{std::chrono::microseconds{random()}};
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
