// The ids equal the oracle's (tiktoken's own encoder; golden/ was made by make_golden.mjs).
#include <gtest/gtest.h>

#include <boost/crc.hpp>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>

#include "holdfast/text/tokenizer.hpp"

namespace holdfast::text {
namespace {

constexpr const char* kFolder = "tests/tokenizer/golden/";

TEST(Tokenizer, EqualsTheOracleOnMixedCases) {
  std::ifstream file(std::string(kFolder) + "cases.jsonl");
  ASSERT_TRUE(file) << "run from the project's folder";
  std::size_t cases = 0;
  for (std::string line; std::getline(file, line); ++cases) {
    const auto golden = nlohmann::json::parse(line);
    const auto text = golden["text"].get<std::string>();
    for (const auto encoding : {Encoding::o200k_base, Encoding::cl100k_base}) {
      const auto expected = golden[std::string(to_string(encoding))].get<std::vector<std::uint32_t>>();
      ASSERT_EQ(encode(encoding, text), expected) << to_string(encoding) << ": " << golden["text"];
      ASSERT_EQ(count_tokens(encoding, text), expected.size());
    }
  }
  EXPECT_EQ(cases, 3000u);
}

std::string utf8(std::uint32_t c) {
  std::string out;
  if (c < 0x80) {
    out += static_cast<char>(c);
  } else if (c < 0x800) {
    out += {static_cast<char>(0xC0 | c >> 6), static_cast<char>(0x80 | (c & 0x3F))};
  } else if (c < 0x10000) {
    out += {static_cast<char>(0xE0 | c >> 12), static_cast<char>(0x80 | (c >> 6 & 0x3F)),
            static_cast<char>(0x80 | (c & 0x3F))};
  } else {
    out += {static_cast<char>(0xF0 | c >> 18), static_cast<char>(0x80 | (c >> 12 & 0x3F)),
            static_cast<char>(0x80 | (c >> 6 & 0x3F)), static_cast<char>(0x80 | (c & 0x3F))};
  }
  return out;
}

// As in make_golden.mjs.
constexpr std::pair<const char*, const char*> kContexts[] = {
    {"", ""}, {"a", "b"}, {" ", "'s"}, {"A", "1 \n"}};

std::string digest(Encoding encoding, std::size_t context, std::uint32_t start) {
  boost::crc_32_type crc;
  for (auto c = start; c < start + 4096; ++c) {
    if (c >= 0xD800 && c <= 0xDFFF) continue;
    const auto ids = encode(encoding, kContexts[context].first + utf8(c) + kContexts[context].second);
    crc.process_bytes(ids.data(), ids.size() * sizeof(ids[0]));
  }
  std::ostringstream out;
  out << to_string(encoding) << ' ' << context << ' ' << std::hex << start << ' ' << crc.checksum();
  return out.str();
}

TEST(Tokenizer, EqualsTheOracleOnEveryCodePoint) {
  std::ifstream file(std::string(kFolder) + "code_points.txt");
  ASSERT_TRUE(file) << "run from the project's folder";
  std::size_t blocks = 0;
  for (std::string line; std::getline(file, line); ++blocks) {
    std::istringstream fields(line);
    std::string name;
    std::size_t context = 0;
    std::uint32_t start = 0;
    fields >> name >> context >> std::hex >> start;
    EXPECT_EQ(digest(*encoding_for_model(name), context, start), line);
  }
  EXPECT_EQ(blocks, 2u * 4 * 0x110000 / 4096);
}

}  // namespace
}  // namespace holdfast::text
