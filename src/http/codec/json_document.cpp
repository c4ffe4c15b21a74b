#include "json_document.hpp"

#include <charconv>
#include <new>
#include <string>

namespace holdfast::http::codec {
namespace {

// A parser keeps about 14 bytes a byte of the longest text it has read; one is kept a thread.
constexpr std::size_t kLongestSharedText = 128u << 10;

// The code unit of an escape \uXXXX at the front of text.
std::optional<unsigned> escaped_unit(std::string_view text) {
  unsigned unit = 0;
  if (text.size() < 6 || text[0] != '\\' || text[1] != 'u') return std::nullopt;
  const auto [end, error] = std::from_chars(text.data() + 2, text.data() + 6, unit, 16);
  if (error != std::errc() || end != text.data() + 6) return std::nullopt;
  return unit;
}

bool has_lone_surrogate(std::string_view text) {
  const auto is_high = [](unsigned unit) { return unit >= 0xD800 && unit <= 0xDBFF; };
  const auto is_low = [](unsigned unit) { return unit >= 0xDC00 && unit <= 0xDFFF; };
  for (auto at = text.find('\\'); at != std::string_view::npos; at = text.find('\\', at)) {
    const auto unit = escaped_unit(text.substr(at));
    if (unit && is_low(*unit)) return true;
    if (unit && is_high(*unit)) {
      const auto next = escaped_unit(text.substr(at + 6));
      if (!next || !is_low(*next)) return true;
      at += 12;
    } else {
      at += 2;
    }
  }
  return false;
}

}  // namespace

JsonDocument::JsonDocument(std::string_view text) {
  // NUL would end the text for the parsers, and hide what follows it.
  if (text.find('\0') != std::string_view::npos) return;
  thread_local simdjson::dom::parser shared;
  if (!has_lone_surrogate(text) &&
      parse(text, text.size() <= kLongestSharedText ? shared : make_own_parser(), kMaxDepth))
    return;
  own_parser_.reset();
  auto read = parse_json_slowly(text);
  too_deep_ = read.too_deep;
  if (read.root.is_discarded()) return;
  const auto plain = read.root.dump();
  read.root = nullptr;
  parse(plain, make_own_parser(), kMaxDepth + 1);
}

simdjson::dom::parser& JsonDocument::make_own_parser() {
  own_parser_ = std::make_unique<simdjson::dom::parser>();
  return *own_parser_;
}

bool JsonDocument::parse(std::string_view text, simdjson::dom::parser& parser, std::size_t max_depth) {
  if (parser.max_depth() != max_depth && parser.allocate(0, max_depth)) throw std::bad_alloc();
  JsonElement root;
  const auto error = parser.parse(text.data(), text.size()).get(root);
  if (error == simdjson::MEMALLOC) throw std::bad_alloc();
  if (!error) root_ = root;
  return !error;
}

std::optional<JsonElement> find_member(JsonObject object, std::string_view key) {
  std::optional<JsonElement> found;
  for (const auto field : object) {
    if (field.key == key) found = field.value;
  }
  return found;
}

Json to_json(JsonElement element) {
  using simdjson::dom::element_type;
  switch (element.type()) {
    case element_type::OBJECT: {
      auto object = Json::object();
      for (const auto field : JsonObject(element)) object[std::string(field.key)] = to_json(field.value);
      return object;
    }
    case element_type::ARRAY: {
      auto array = Json::array();
      for (const auto value : JsonArray(element)) array.push_back(to_json(value));
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

ParsedSlowly parse_json_slowly(std::string_view text) {
  ParsedSlowly parsed;
  const auto bound_depth = [&](int depth, Json::parse_event_t event, Json&) {
    const bool opens =
        event == Json::parse_event_t::object_start || event == Json::parse_event_t::array_start;
    // depth: of what it is in
    parsed.too_deep = parsed.too_deep || (opens && depth >= kMaxDepth);
    return !parsed.too_deep;
  };
  parsed.root = Json::parse(text, bound_depth, /*allow_exceptions=*/false);
  return parsed;
}

}  // namespace holdfast::http::codec
