#include "body_reader.hpp"

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

BodyReader::BodyReader(std::string_view text) {
  auto document = parse_json(text);
  root_ = std::move(document.root);
  if (document.too_deep) {
    fail(kBody, "JSON is nested more than " + std::to_string(kMaxDepth) + " deep", "json_invalid");
  } else if (root_.is_discarded()) {
    fail(kBody, "JSON decode error", "json_invalid");
  } else if (!root_.is_object()) {
    fail(kBody, "Input should be a valid dictionary or object to extract fields from",
         "model_attributes_type");
  }
}

void BodyReader::fail(const Path& at, std::string message, std::string type) {
  if (errors_.errors.size() == kMostErrors) return;
  errors_.errors.push_back({location_of(at), std::move(message), std::move(type)});
}

const Json* BodyReader::member(const Json& object, const Path& at, std::string_view name, bool required) {
  const auto found = object.find(name);
  if (found != object.end() && (required || !found->is_null())) return &*found;
  if (required) fail(at / name, "Field required", "missing");
  return nullptr;
}

std::string BodyReader::text(const Json& object, const Path& at, std::string_view name,
                             std::size_t least_length) {
  const auto* value = member(object, at, name, true);
  if (!value) return {};
  if (!value->is_string()) {
    fail(at / name, "Input should be a valid string", "string_type");
    return {};
  }
  const auto& text = value->get_ref<const std::string&>();
  if (text.size() < least_length)
    fail(at / name, at_least("String", "character", least_length), "string_too_short");
  return text;
}

std::optional<std::string> BodyReader::optional_text(const Json& object, const Path& at,
                                                     std::string_view name, std::size_t least_length) {
  if (!member(object, at, name, false)) return std::nullopt;
  return text(object, at, name, least_length);
}

bool BodyReader::boolean(const Json& object, const Path& at, std::string_view name, bool otherwise) {
  const auto* value = member(object, at, name, false);
  if (!value) return otherwise;
  if (value->is_boolean()) return value->get<bool>();
  fail(at / name, "Input should be a valid boolean", "bool_type");
  return otherwise;
}

std::int64_t BodyReader::integer(const Json& object, const Path& at, std::string_view name,
                                 std::int64_t otherwise) {
  const auto* value = member(object, at, name, false);
  if (!value) return otherwise;
  if (value->is_number_unsigned()) {
    const auto number = value->get<std::uint64_t>();
    constexpr auto kMost = std::numeric_limits<std::int64_t>::max();
    return number > static_cast<std::uint64_t>(kMost) ? kMost : static_cast<std::int64_t>(number);
  }
  if (value->is_number_integer()) return value->get<std::int64_t>();
  if (value->is_number_float()) {
    const double number = value->get<double>();
    if (std::trunc(number) == number && std::abs(number) < 1e15) return static_cast<std::int64_t>(number);
    fail(at / name, "Input should be a valid integer, got a number with a fractional part", "int_from_float");
  } else {
    fail(at / name, "Input should be a valid integer", "int_type");
  }
  return otherwise;
}

const Json* BodyReader::list(const Json& object, const Path& at, std::string_view name, std::size_t least) {
  const auto* value = member(object, at, name, true);
  if (!value) return nullptr;
  if (!value->is_array()) {
    fail(at / name, "Input should be a valid list", "list_type");
    return nullptr;
  }
  if (value->size() < least) {
    fail(at / name,
         at_least("List", "item", least) + " after validation, not " + std::to_string(value->size()),
         "too_short");
    return nullptr;
  }
  return value;
}

std::vector<std::string> BodyReader::texts(const Json& object, const Path& at, std::string_view name,
                                           std::size_t least, std::size_t least_length) {
  std::vector<std::string> values;
  const auto* items = list(object, at, name, least);
  if (!items) return values;
  for (std::size_t i = 0; i < items->size(); ++i) {
    const auto& item = (*items)[i];
    if (!item.is_string()) {
      fail(at / name / i, "Input should be a valid string", "string_type");
    } else if (item.get_ref<const std::string&>().size() < least_length) {
      fail(at / name / i, at_least("String", "character", least_length), "string_too_short");
    } else {
      values.push_back(item.get<std::string>());
    }
  }
  return values;
}

}  // namespace holdfast::http::codec
