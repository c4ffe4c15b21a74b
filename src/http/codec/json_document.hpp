// A request's body as a JSON value.
#pragma once

#include <nlohmann/json.hpp>
#include <string_view>

namespace holdfast::http::codec {

using Json = nlohmann::json;

inline constexpr int kMaxDepth = 32;

struct JsonDocument {
  Json root;  // is_discarded() where the text is no JSON, or too deep
  bool too_deep = false;
};

// Strict JSON (RFC 8259) in UTF-8: no NUL, no invalid UTF-8, no lone surrogates, no numbers beyond a double,
// at most kMaxDepth deep; of equal keys the last counts. Any thread.
JsonDocument parse_json(std::string_view text);

// The same by nlohmann alone, which decides what is JSON; parse_json asks it about all that it cannot read
// faster.
JsonDocument parse_json_slowly(std::string_view text);

}  // namespace holdfast::http::codec
