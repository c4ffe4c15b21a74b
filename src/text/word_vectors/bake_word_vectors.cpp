// Build step: bake_word_vectors IN.vectors OUT.bin writes the committed vectors as the tables that
// WordVectors reads, and fails when a word cannot be found in them or its weight does not fit.
#include <bit>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "word_vectors.hpp"

namespace {

using namespace holdfast::text;

struct Entry {
  std::string_view word;
  std::string_view components;
};

// Empty when the file is damaged.
std::vector<Entry> split_entries(std::string_view packed) {
  std::vector<Entry> entries;
  while (!packed.empty()) {
    const auto length = static_cast<unsigned char>(packed[0]);
    if (packed.size() < 1 + length + kWordDimensions) return {};
    entries.push_back({packed.substr(1, length), packed.substr(1 + length, kWordDimensions)});
    packed.remove_prefix(1 + length + kWordDimensions);
  }
  return entries;
}

std::uint32_t weight_of(std::size_t rank, std::string_view components) {
  double squares = 0;
  for (const char c : components) squares += static_cast<signed char>(c) * static_cast<signed char>(c);
  const auto r = static_cast<double>(rank);
  return static_cast<std::uint32_t>(
      std::lround(kUnitWeight * (r / (r + kHalfWeightRank)) / std::sqrt(squares)));
}

void append_bytes(std::vector<std::uint32_t>& out, std::string bytes) {
  bytes.resize((bytes.size() + 3) / 4 * 4);
  const auto at = out.size();
  out.resize(at + bytes.size() / 4);
  std::memcpy(out.data() + at, bytes.data(), bytes.size());
}

std::vector<std::uint32_t> bake(const std::vector<Entry>& entries) {
  const auto count = static_cast<std::uint32_t>(entries.size());
  const auto slots = std::bit_ceil(count * 2);
  std::vector<std::uint32_t> out{count, slots, 0};
  std::vector<std::uint32_t> numbers(slots, WordVectors::kNoWord), weights;
  std::string components, bytes;
  for (std::uint32_t number = 0; number < count; ++number) {
    const auto& entry = entries[number];
    bytes += entry.word;
    out.push_back(static_cast<std::uint32_t>(bytes.size()));
    auto slot = hash_word(entry.word) & (slots - 1);
    while (numbers[slot] != WordVectors::kNoWord) slot = (slot + 1) & (slots - 1);
    numbers[slot] = number;
    weights.push_back(weight_of(number + 1, entry.components));
    components += entry.components;
  }
  out.insert(out.end(), numbers.begin(), numbers.end());
  out.insert(out.end(), weights.begin(), weights.end());
  append_bytes(out, std::move(components));
  append_bytes(out, std::move(bytes));
  return out;
}

bool weights_fit(const std::vector<std::uint32_t>& baked) {
  const WordVectors vectors(baked);
  for (std::uint32_t number = 0; number < vectors.size(); ++number) {
    if (vectors.vector(number).weight * 128 <= 1u << 15) continue;
    std::fprintf(stderr, "bake_word_vectors: the weight of word %u is too large\n", number);
    return false;
  }
  return true;
}

bool all_found(const std::vector<std::uint32_t>& baked, const std::vector<Entry>& entries) {
  const WordVectors vectors(baked);
  for (std::uint32_t number = 0; number < vectors.size(); ++number) {
    if (vectors.find(entries[number].word) == number) continue;
    std::fprintf(stderr, "bake_word_vectors: word %u is there twice or cannot be found\n", number);
    return false;
  }
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  std::ifstream in(argv[1], std::ios::binary);
  const std::string packed{std::istreambuf_iterator<char>(in), {}};
  const auto entries = split_entries(packed);
  const auto baked = bake(entries);
  if (entries.empty() || !all_found(baked, entries) || !weights_fit(baked)) return 1;
  std::ofstream out(argv[2], std::ios::binary);
  out.write(reinterpret_cast<const char*>(baked.data()), static_cast<std::streamsize>(baked.size() * 4));
  return out.good() ? 0 : 1;
}
