// A byte-pair vocabulary as tables in the binary: made at build time by bake_vocabulary, used as they lie
// there.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace holdfast::text {

using TokenId = std::uint32_t;
inline constexpr TokenId kNoToken = 0xFFFFFFFF;
inline constexpr std::size_t kMaxTokenBytes = 128;

// Layout of a baked vocabulary, all u32 but the last part: count, slots (a power of two), count + 1 offsets
// into the bytes, slots ids (kNoToken: empty; open addressing by hash of the bytes), then the bytes of all
// tokens.
class Vocabulary {
 public:
  explicit Vocabulary(std::span<const std::uint32_t> baked);

  std::size_t size() const { return count_; }
  std::string_view bytes(TokenId id) const;
  TokenId find(std::string_view bytes) const;  // kNoToken when there is none

 private:
  std::uint32_t count_;
  std::uint32_t slots_;
  const std::uint32_t* offsets_;
  const TokenId* ids_;
  const char* bytes_;
};

std::uint64_t hash_token(std::string_view bytes);

}  // namespace holdfast::text
