#include "body_reader.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>

namespace holdfast::http::codec {
namespace {

std::string at_least(std::string_view what, std::string_view unit, std::size_t least) {
  return std::string(what) + " should have at least " + std::to_string(least) + " " + std::string(unit) +
         (least == 1 ? "" : "s");
}

Location location_of(const Path& path) {
  auto location = path.in ? location_of(*path.in) : Location();
  if (const auto* name = std::get_if<std::string_view>(&path.part)) {
    location.emplace_back(std::string(*name));
  } else {
    location.emplace_back(std::get<std::size_t>(path.part));
  }
  return location;
}

}  // namespace

void throw_exception_from_error(const BodyErrors&, const boost::source_location&) {
  throw std::logic_error("unchecked body errors");
}

BodyReader::BodyReader(std::string_view text) : document_(text) {
  if (text.empty()) {
    fail(kBody, "Field required", "missing");
  } else if (document_.too_deep()) {
    fail(kBody, "JSON is nested more than " + std::to_string(kMaxDepth) + " deep", "json_invalid");
  } else if (!document_.ok()) {
    fail(kBody, "JSON decode error", "json_invalid");
  } else if (!document_.root().is_object()) {
    fail(kBody, "Input should be a valid dictionary or object to extract fields from",
         "model_attributes_type");
  }
}

void BodyReader::fail(const Path& at, std::string message, std::string type) {
  if (errors_.errors.size() == kMostErrors) return;
  errors_.errors.push_back({location_of(at), std::move(message), std::move(type)});
}

std::optional<JsonElement> BodyReader::member(JsonObject object, const Path& at, std::string_view name,
                                              bool required) {
  const auto found = find_member(object, name);
  if (found && (required || !found->is_null())) return found;
  if (required) fail(at / name, "Field required", "missing");
  return std::nullopt;
}

std::string BodyReader::text(JsonObject object, const Path& at, std::string_view name,
                             std::size_t least_length) {
  const auto value = member(object, at, name, true);
  if (!value) return {};
  if (!value->is_string()) {
    fail(at / name, "Input should be a valid string", "string_type");
    return {};
  }
  const std::string_view text = *value;
  if (text.size() < least_length)
    fail(at / name, at_least("String", "character", least_length), "string_too_short");
  return std::string(text);
}

std::optional<std::string> BodyReader::optional_text(JsonObject object, const Path& at, std::string_view name,
                                                     std::size_t least_length) {
  if (!member(object, at, name, false)) return std::nullopt;
  return text(object, at, name, least_length);
}

bool BodyReader::boolean(JsonObject object, const Path& at, std::string_view name, bool otherwise) {
  const auto value = member(object, at, name, false);
  if (!value) return otherwise;
  if (value->is_bool()) return bool(*value);
  fail(at / name, "Input should be a valid boolean", "bool_type");
  return otherwise;
}

std::int64_t BodyReader::integer(JsonObject object, const Path& at, std::string_view name,
                                 std::int64_t otherwise) {
  const auto value = member(object, at, name, false);
  if (!value) return otherwise;
  if (value->is_int64()) return std::int64_t(*value);
  if (value->is_uint64()) return std::numeric_limits<std::int64_t>::max();
  if (value->is_double()) {
    const double number = *value;
    constexpr double kWide = 0x1p62;  // beyond it the exact value does not matter
    if (std::trunc(number) == number) return static_cast<std::int64_t>(std::clamp(number, -kWide, kWide));
    fail(at / name, "Input should be a valid integer, got a number with a fractional part", "int_from_float");
  } else {
    fail(at / name, "Input should be a valid integer", "int_type");
  }
  return otherwise;
}

std::optional<JsonArray> BodyReader::list(JsonObject object, const Path& at, std::string_view name,
                                          std::size_t least) {
  const auto value = member(object, at, name, true);
  if (!value) return std::nullopt;
  if (!value->is_array()) {
    fail(at / name, "Input should be a valid list", "list_type");
    return std::nullopt;
  }
  const JsonArray items = *value;
  if (items.size() < least) {
    fail(at / name,
         at_least("List", "item", least) + " after validation, not " + std::to_string(items.size()),
         "too_short");
    return std::nullopt;
  }
  return items;
}

std::vector<std::string> BodyReader::texts(JsonObject object, const Path& at, std::string_view name,
                                           std::size_t least, std::size_t least_length) {
  std::vector<std::string> values;
  const auto items = list(object, at, name, least);
  if (!items) return values;
  std::size_t i = 0;
  for (const auto item : *items) {
    const auto index = i++;
    if (!item.is_string()) {
      fail(at / name / index, "Input should be a valid string", "string_type");
    } else if (const std::string_view text = item; text.size() < least_length) {
      fail(at / name / index, at_least("String", "character", least_length), "string_too_short");
    } else {
      values.emplace_back(text);
    }
  }
  return values;
}

}  // namespace holdfast::http::codec
