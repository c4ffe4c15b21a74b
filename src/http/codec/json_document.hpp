// A request's body as a JSON document.
#pragma once

#include <simdjson.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>

namespace holdfast::http::codec {

using Json = nlohmann::json;
using JsonElement = simdjson::dom::element;
using JsonObject = simdjson::dom::object;
using JsonArray = simdjson::dom::array;

inline constexpr int kMaxDepth = 32;

// Strict JSON (RFC 8259) in UTF-8: no NUL, no invalid UTF-8, no lone surrogates, no numbers beyond a double,
// at most kMaxDepth deep. Any thread.
class JsonDocument {
 public:
  // Throws std::bad_alloc.
  explicit JsonDocument(std::string_view text);

  bool ok() const { return root_.has_value(); }
  bool too_deep() const { return too_deep_; }  // why it is not ok
  // Only where ok(). Until this thread reads another document: all that are short share a parser.
  JsonElement root() const { return *root_; }

 private:
  simdjson::dom::parser& make_own_parser();
  bool parse(std::string_view text, simdjson::dom::parser& parser, std::size_t max_depth);

  std::unique_ptr<simdjson::dom::parser> own_parser_;
  std::optional<JsonElement> root_;
  bool too_deep_ = false;
};

// Of equal keys the last counts.
std::optional<JsonElement> find_member(JsonObject object, std::string_view key);
Json to_json(JsonElement element);

// nlohmann decides what is JSON: simdjson takes lone low surrogates, but no byte order mark, no integers beyond
// 64 bits, and the last level of depth only where it is empty.
struct ParsedSlowly {
  Json root;  // is_discarded() where the text is no JSON, or too deep
  bool too_deep = false;
};
ParsedSlowly parse_json_slowly(std::string_view text);

}  // namespace holdfast::http::codec
