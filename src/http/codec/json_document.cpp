#include "json_document.hpp"

#include <simdjson.h>

#include <optional>
#include <string>
#include <utility>

namespace holdfast::http::codec {
namespace {

// A parser keeps about 14 bytes a byte of the longest text it has read; one is kept a thread.
constexpr std::size_t kLongestFastText = 128u << 10;

Json to_json(simdjson::dom::element element) {
  using simdjson::dom::element_type;
  switch (element.type()) {
    case element_type::OBJECT: {
      auto object = Json::object();
      for (const auto& [key, value] : simdjson::dom::object(element)) {
        object[std::string(key)] = to_json(value);
      }
      return object;
    }
    case element_type::ARRAY: {
      auto array = Json::array();
      for (const auto value : simdjson::dom::array(element)) array.push_back(to_json(value));
      return array;
    }
    case element_type::STRING:
      return std::string(std::string_view(element));
    case element_type::INT64: {
      const auto number = std::int64_t(element);
      return number < 0 ? Json(number) : Json(static_cast<std::uint64_t>(number));
    }
    case element_type::UINT64:
      return std::uint64_t(element);
    case element_type::DOUBLE:
      return double(element);
    case element_type::BOOL:
      return bool(element);
    default:
      return nullptr;
  }
}

// simdjson takes lone low surrogates.
bool may_have_surrogates(std::string_view text) {
  for (auto at = text.find("\\u"); at != std::string_view::npos; at = text.find("\\u", at + 2)) {
    if (at + 2 < text.size() && (text[at + 2] | 0x20) == 'd') return true;
  }
  return false;
}

// A quarter of the instructions (json_add_parse in tests/instructions: 11,101 of 42,662); nothing for what it
// does not take.
std::optional<Json> parse_json_fast(std::string_view text) {
  if (text.size() > kLongestFastText || may_have_surrogates(text)) return std::nullopt;
  thread_local simdjson::dom::parser parser(kLongestFastText);
  thread_local const auto prepared = parser.allocate(0, kMaxDepth);
  simdjson::dom::element root;
  if (prepared || parser.parse(text.data(), text.size()).get(root)) return std::nullopt;
  return to_json(root);
}

}  // namespace

JsonDocument parse_json(std::string_view text) {
  // NUL would end the text for the parsers, and hide what follows it.
  if (text.find('\0') != std::string_view::npos) return {Json(Json::value_t::discarded)};
  if (auto root = parse_json_fast(text)) return {std::move(*root)};
  return parse_json_slowly(text);
}

JsonDocument parse_json_slowly(std::string_view text) {
  JsonDocument document;
  const auto bound_depth = [&](int depth, Json::parse_event_t event, Json&) {
    const bool opens =
        event == Json::parse_event_t::object_start || event == Json::parse_event_t::array_start;
    // depth: of what it is in
    document.too_deep = document.too_deep || (opens && depth >= kMaxDepth);
    return !document.too_deep;
  };
  document.root = Json::parse(text, bound_depth, /*allow_exceptions=*/false);
  return document;
}

}  // namespace holdfast::http::codec
