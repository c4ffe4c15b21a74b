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
  // Parses text; a body that is no JSON object is an error already. This thread must not read another body
  // while this one is read.
  explicit BodyReader(std::string_view text);

  bool ok() const { return errors_.errors.empty() && errors_.too_large.empty(); }
  BodyErrors take_errors() { return std::move(errors_); }
  // Only where the constructor noted no error.
  JsonObject root() const { return JsonObject(document_.root()); }

  // The member, or nothing when absent (an error if required) or null (likewise).
  std::optional<JsonElement> member(JsonObject object, const Path& at, std::string_view name, bool required);

  std::string text(JsonObject object, const Path& at, std::string_view name, std::size_t least_length);
  std::optional<std::string> optional_text(JsonObject object, const Path& at, std::string_view name,
                                           std::size_t least_length = 0);
  bool boolean(JsonObject object, const Path& at, std::string_view name, bool otherwise);
  std::int64_t integer(JsonObject object, const Path& at, std::string_view name, std::int64_t otherwise);
  // A list of at least `least` elements, or nothing (an error is noted).
  std::optional<JsonArray> list(JsonObject object, const Path& at, std::string_view name, std::size_t least);
  std::vector<std::string> texts(JsonObject object, const Path& at, std::string_view name, std::size_t least,
                                 std::size_t least_length);

  void fail(const Path& at, std::string message, std::string type);
  void too_large(std::string what) { errors_.too_large = std::move(what); }

 private:
  JsonDocument document_;
  BodyErrors errors_;
};

}  // namespace holdfast::http::codec
