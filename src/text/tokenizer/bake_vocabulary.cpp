// Build step: bake_vocabulary IN.bpe OUT.bin writes a vocabulary as the tables that Vocabulary reads, and
// fails when a token cannot be reached by merges (then the vocabulary or the merging is wrong).
#include <bit>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "byte_pairs.hpp"
#include "vocabulary.hpp"

namespace {

using namespace holdfast::text;

std::vector<std::string_view> split_tokens(std::string_view packed) {
  std::vector<std::string_view> tokens;
  while (!packed.empty()) {
    const auto length = static_cast<unsigned char>(packed[0]);
    tokens.push_back(packed.substr(1, length));
    packed.remove_prefix(1 + std::size_t{length});
  }
  return tokens;
}

std::vector<std::uint32_t> bake(const std::vector<std::string_view>& tokens) {
  const auto count = static_cast<std::uint32_t>(tokens.size());
  const auto slots = std::bit_ceil(count * 2);
  std::vector<TokenSlot> table(slots);
  for (TokenId id = 0; id < count; ++id) {
    const auto key = key_of(tokens[id]);
    auto at = first_slot(key, slots);
    while (table[at].length != 0) at = (at + 1) & (slots - 1);
    table[at] = {key.key, key.length, id};
  }
  std::vector<std::uint32_t> out{count, slots, 0, 0};
  const auto append = [&](const void* data, std::size_t bytes) {
    const auto words = out.size();
    out.resize(words + (bytes + 3) / 4);
    std::memcpy(out.data() + words, data, bytes);
  };
  append(table.data(), table.size() * sizeof(TokenSlot));
  std::string bytes;
  for (const auto token : tokens) {
    out.push_back(static_cast<std::uint32_t>(bytes.size()));
    bytes += token;
  }
  out.push_back(static_cast<std::uint32_t>(bytes.size()));
  append(bytes.data(), bytes.size());
  return out;
}

bool all_reachable(const std::vector<std::uint32_t>& baked) {
  const Vocabulary vocabulary(baked);
  for (TokenId id = 0; id < vocabulary.size(); ++id) {
    if (vocabulary.find(vocabulary.bytes(id)) == id && is_made_of_two_below(vocabulary, id)) continue;
    std::fprintf(stderr, "bake_vocabulary: token %u cannot be reached by merges of lower ones\n", id);
    return false;
  }
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  std::ifstream in(argv[1], std::ios::binary);
  const std::string packed{std::istreambuf_iterator<char>(in), {}};
  const auto baked = bake(split_tokens(packed));
  if (packed.empty() || !all_reachable(baked)) return 1;
  std::ofstream out(argv[2], std::ios::binary);
  out.write(reinterpret_cast<const char*>(baked.data()), static_cast<std::streamsize>(baked.size() * 4));
  return out.good() ? 0 : 1;
}
