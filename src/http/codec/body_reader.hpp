// Reads fields of a JSON body into values, collecting every error with its location.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "holdfast/http/codec/parse.hpp"
#include "json_document.hpp"

namespace holdfast::http::codec {

// Where in a body something is: its name or index, and what it is in, which must outlive it. Errors make a
// Location of it; most bodies have none.
struct Path {
  const Path* in = nullptr;
  std::variant<std::string_view, std::size_t> part;
};
inline Path operator/(const Path& in, std::string_view name) {
  return {&in, name};
}
inline Path operator/(const Path& in, std::size_t index) {
  return {&in, index};
}
inline constexpr Path kBody{nullptr, "body"};

class BodyReader {
 public:
  // Parses text; a body that is no JSON object is an error already.
  explicit BodyReader(std::string_view text);

  bool ok() const { return errors_.errors.empty() && errors_.too_large.empty(); }
  BodyErrors take_errors() { return std::move(errors_); }
  const Json& root() const { return root_; }

  // The member, or nothing when absent (an error if required) or null (likewise).
  const Json* member(const Json& object, const Path& at, std::string_view name, bool required);

  std::string text(const Json& object, const Path& at, std::string_view name, std::size_t least_length);
  std::optional<std::string> optional_text(const Json& object, const Path& at, std::string_view name,
                                           std::size_t least_length = 0);
  bool boolean(const Json& object, const Path& at, std::string_view name, bool otherwise);
  std::int64_t integer(const Json& object, const Path& at, std::string_view name, std::int64_t otherwise);
  // A list of at least `least` elements, or nothing (an error is noted).
  const Json* list(const Json& object, const Path& at, std::string_view name, std::size_t least);
  std::vector<std::string> texts(const Json& object, const Path& at, std::string_view name, std::size_t least,
                                 std::size_t least_length);

  void fail(const Path& at, std::string message, std::string type);
  void too_large(std::string what) { errors_.too_large = std::move(what); }

 private:
  Json root_;
  BodyErrors errors_;
};

}  // namespace holdfast::http::codec
