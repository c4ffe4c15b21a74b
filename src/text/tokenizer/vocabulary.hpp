// A byte-pair vocabulary as tables in the binary: made at build time by bake_vocabulary, used as they lie
// there.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace holdfast::text {

using TokenId = std::uint32_t;
inline constexpr TokenId kNoToken = 0xFFFFFFFF;
inline constexpr std::size_t kMaxTokenBytes = 128;

// What is found first of a token: up to 8 bytes are their own key (little-endian, zeros above), so that most
// look-ups read nothing else; of longer ones the key is a hash, and the bytes decide.
struct TokenKey {
  std::uint64_t key = 0;
  std::uint32_t length = 0;
};
TokenKey key_of(std::string_view bytes);
// Where the search for the key begins, in a table of a power of two of slots.
std::uint32_t first_slot(const TokenKey& key, std::uint32_t slots);

struct TokenSlot {
  std::uint64_t key = 0;
  std::uint32_t length = 0;  // 0: empty
  TokenId id = kNoToken;
};

// Layout of a baked vocabulary: count and slots (a power of two) as u32 with two zeros behind, the TokenSlots
// (open addressing, linear), count + 1 offsets (u32) into the bytes, then the bytes of all tokens.
class Vocabulary {
 public:
  explicit Vocabulary(std::span<const std::uint32_t> baked);  // 8-byte aligned

  std::size_t size() const { return count_; }
  std::string_view bytes(TokenId id) const;
  TokenId find(std::string_view bytes) const;  // kNoToken when there is none

 private:
  std::uint32_t count_;
  std::uint32_t slots_;
  const TokenSlot* table_;
  const std::uint32_t* offsets_;
  const char* bytes_;
};

}  // namespace holdfast::text
