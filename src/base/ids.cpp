#include "holdfast/base/ids.hpp"

#include <xxhash.h>

#include <array>
#include <random>

namespace holdfast {
namespace {

std::uint64_t random_bits() {
  thread_local std::mt19937_64 generator = [] {
    std::random_device device;
    std::seed_seq seed{device(), device(), device(), device(), device(), device(), device(), device()};
    return std::mt19937_64{seed};
  }();
  return generator();
}

// As many lower digits of value; returns the end of what it wrote.
char* put_hex(char* to, std::uint64_t value, int digits) {
  static constexpr char alphabet[] = "0123456789abcdef";
  for (int shift = (digits - 1) * 4; shift >= 0; shift -= 4) *to++ = alphabet[(value >> shift) & 0xF];
  return to;
}

// 48 bits, version, the lower 12 bits of middle, variant, the lower 62 bits of low.
std::string format_uuid(std::uint64_t upper48, unsigned version, std::uint64_t middle, std::uint64_t low) {
  std::string text(36, '-');
  char* to = put_hex(text.data(), upper48 >> 16, 8) + 1;
  to = put_hex(to, upper48 & 0xFFFF, 4) + 1;
  to = put_hex(to, (version << 12) | (middle & 0xFFF), 4) + 1;
  to = put_hex(to, 0x8000 | ((low >> 48) & 0x3FFF), 4) + 1;
  put_hex(to, low & 0xFFFF'FFFF'FFFF, 12);
  return text;
}

// 0 to 15, or -1.
int hex_value(char c) {
  static constexpr auto kValues = [] {
    std::array<std::int8_t, 256> values{};
    values.fill(-1);
    for (int i = 0; i < 10; ++i) values[static_cast<std::size_t>('0' + i)] = static_cast<std::int8_t>(i);
    for (int i = 0; i < 6; ++i) values[static_cast<std::size_t>('a' + i)] = static_cast<std::int8_t>(10 + i);
    return values;
  }();
  return kValues[static_cast<unsigned char>(c)];
}

// Length of the valid UTF-8 sequence at the front (RFC 3629), 0 when there is none.
std::size_t sequence_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const auto continues = [&](std::size_t i) { return i < text.size() && (byte(i) & 0xC0) == 0x80; };
  const unsigned lead = byte(0);
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead <= 0xDF) return continues(1) ? 2 : 0;
  if (lead >= 0xE0 && lead <= 0xEF) {
    if (!continues(1) || !continues(2)) return 0;
    if ((lead == 0xE0 && byte(1) < 0xA0) || (lead == 0xED && byte(1) > 0x9F)) return 0;
    return 3;
  }
  if (lead >= 0xF0 && lead <= 0xF4) {
    if (!continues(1) || !continues(2) || !continues(3)) return 0;
    if ((lead == 0xF0 && byte(1) < 0x90) || (lead == 0xF4 && byte(1) > 0x8F)) return 0;
    return 4;
  }
  return 0;
}

}  // namespace

RouteKey route_key(std::string_view user_id) {
  return XXH3_64bits(user_id.data(), user_id.size()) >> 16;
}

std::string make_uuid_v7(Timestamp now) {
  const auto since_epoch =
      std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count();
  return format_uuid(static_cast<std::uint64_t>(since_epoch) & 0xFFFF'FFFF'FFFF, 7, random_bits(),
                     random_bits());
}

std::string make_session_id(RouteKey user) {
  return format_uuid(user, 8, random_bits(), random_bits());
}

std::string derive_uuid(std::string_view bytes) {
  const auto hash = XXH3_128bits(bytes.data(), bytes.size());
  return format_uuid(hash.high64 >> 16, 8, hash.high64, hash.low64);
}

std::optional<RouteKey> session_route_key(std::string_view session_id) {
  if (session_id.size() != 36) return std::nullopt;
  RouteKey key = 0;
  for (std::size_t i = 0; i < 36; ++i) {
    if (i == 8 || i == 13 || i == 18 || i == 23) {
      if (session_id[i] != '-') return std::nullopt;
      continue;
    }
    const int digit = hex_value(session_id[i]);
    if (digit < 0) return std::nullopt;
    if (i < 13) key = key << 4 | static_cast<RouteKey>(digit);
  }
  const bool variant = (hex_value(session_id[19]) & 0xC) == 0x8;
  if (session_id[14] != '8' || !variant) return std::nullopt;
  return key;
}

std::string random_hex(unsigned digits) {
  std::string text(digits, '0');
  put_hex(text.data(), random_bits(), static_cast<int>(digits));
  return text;
}

bool is_valid_id(std::string_view id) {
  if (id.empty() || id.size() > 256) return false;
  while (!id.empty()) {
    const auto lead = static_cast<unsigned char>(id.front());
    const std::size_t length = sequence_length(id);
    if (length == 0 || lead < 0x20 || lead == 0x7F) return false;
    id.remove_prefix(length);
  }
  return true;
}

}  // namespace holdfast
