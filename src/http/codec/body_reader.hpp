// Reads fields of a JSON body into values, collecting every error with its location.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "holdfast/http/codec/parse.hpp"
#include "json_document.hpp"

namespace holdfast::http::codec {

// More are not told: a body of a million wrong items would make an answer a hundred times its size.
inline constexpr std::size_t kMaxErrors = 100;

class BodyReader {
 public:
  // Parses text; a body that is no JSON object is an error already.
  explicit BodyReader(std::string_view text);

  bool ok() const { return errors_.errors.empty() && errors_.too_large.empty(); }
  BodyErrors take_errors() { return std::move(errors_); }
  const Json& root() const { return root_; }

  // The member, or nothing when absent (an error if required) or null (likewise).
  const Json* member(const Json& object, const Location& at, std::string_view name, bool required);

  std::string text(const Json& object, const Location& at, std::string_view name, std::size_t least_length);
  std::optional<std::string> optional_text(const Json& object, const Location& at, std::string_view name,
                                           std::size_t least_length = 0);
  bool boolean(const Json& object, const Location& at, std::string_view name, bool otherwise);
  std::int64_t integer(const Json& object, const Location& at, std::string_view name, std::int64_t otherwise);
  // A list of at least `least` elements, or nothing (an error is noted).
  const Json* list(const Json& object, const Location& at, std::string_view name, std::size_t least);
  std::vector<std::string> texts(const Json& object, const Location& at, std::string_view name,
                                 std::size_t least, std::size_t least_length);

  void fail(Location at, std::string message, std::string type);
  void too_large(std::string what) { errors_.too_large = std::move(what); }

 private:
  Json root_;
  BodyErrors errors_;
};

Location operator/(Location at, std::string_view name);
Location operator/(Location at, std::size_t index);

}  // namespace holdfast::http::codec
