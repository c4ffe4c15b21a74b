// Little-endian encoding of integers and length-prefixed strings, for formats that outlive the process.
#pragma once

#include <bit>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace holdfast {

static_assert(std::endian::native == std::endian::little,
              "the formats are little-endian and written by memcpy");

using Bytes = std::string;  // a byte string; std::string because every library here takes one

class ByteWriter {
 public:
  explicit ByteWriter(Bytes& out) : out_(out) {}
  template <std::integral T>
  void integer(T value) {
    char raw[sizeof(T)];
    std::memcpy(raw, &value, sizeof(T));
    out_.append(raw, sizeof(T));
  }
  // u32 length, then the bytes.
  void text(std::string_view value) {
    integer(static_cast<std::uint32_t>(value.size()));
    out_.append(value);
  }

 private:
  Bytes& out_;
};

// Reads what ByteWriter wrote. After the first failure everything reads as zero or empty and ok() is false,
// so a decoder checks once, at its end.
class ByteReader {
 public:
  explicit ByteReader(std::string_view in) : in_(in) {}
  template <std::integral T>
  T integer() {
    T value{};
    if (in_.size() < sizeof(T)) {
      fail();
      return value;
    }
    std::memcpy(&value, in_.data(), sizeof(T));
    in_.remove_prefix(sizeof(T));
    return value;
  }
  std::string_view text() {
    const auto size = integer<std::uint32_t>();
    if (in_.size() < size) {
      fail();
      return {};
    }
    const auto value = in_.substr(0, size);
    in_.remove_prefix(size);
    return value;
  }
  bool ok() const { return ok_; }
  bool at_end() const { return in_.empty(); }

 private:
  void fail() {
    ok_ = false;
    in_ = {};
  }
  std::string_view in_;
  bool ok_ = true;
};

}  // namespace holdfast
