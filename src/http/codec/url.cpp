#include "holdfast/http/codec/url.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <stdexcept>

namespace holdfast::http::codec {
namespace {

constexpr std::size_t kMostMessages = 100;
constexpr std::int64_t kLongestWindow = 30 * 86'400;  // seconds

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

enum class Part { path, query };

// In a path an escaped slash stays as it is: it separates nothing.
std::optional<std::string> decode(std::string_view text, Part part) {
  const auto stays = [](char c) { return c > ' ' && c < '\x7F' && c != '%' && c != '+'; };
  if (std::all_of(text.begin(), text.end(), stays)) return std::string(text);  // most do
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%') {
      const int high = i + 2 < text.size() ? hex_value(text[i + 1]) : -1;
      const int low = high >= 0 ? hex_value(text[i + 2]) : -1;
      if (low < 0) return std::nullopt;
      c = static_cast<char>(high * 16 + low);
      i += 2;
      if (c == '/' && part == Part::path) {
        out += "%2F";
        continue;
      }
      if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) return std::nullopt;
    } else if (static_cast<unsigned char>(c) <= 0x20 || static_cast<unsigned char>(c) >= 0x7F) {
      return std::nullopt;
    } else if (c == '+' && part == Part::query) {
      c = ' ';
    }
    out += c;
  }
  return out;
}

std::optional<Parameters> decode_query(std::string_view query) {
  Parameters parameters;
  while (!query.empty()) {
    const auto pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), pair.size() + 1));
    if (pair.empty()) continue;
    const auto equals = pair.find('=');
    auto name = decode(pair.substr(0, equals), Part::query);
    auto value =
        equals == std::string_view::npos ? std::string() : decode(pair.substr(equals + 1), Part::query);
    if (!name || !value) return std::nullopt;
    parameters.emplace_back(std::move(*name), std::move(*value));
  }
  return parameters;
}

}  // namespace

void throw_exception_from_error(const ParameterError& error, const boost::source_location&) {
  throw std::logic_error("unchecked parameter error: " + error.field);
}

Result<Target> parse_target(std::string_view target) {
  const auto question = target.find('?');
  auto raw_path = target.substr(0, question);
  if (raw_path.empty() || raw_path.front() != '/') return permanent("The request target must begin with /");
  if (raw_path.size() > 1 && raw_path.back() == '/') raw_path.remove_suffix(1);
  auto path = decode(raw_path, Part::path);
  auto parameters =
      decode_query(question == std::string_view::npos ? std::string_view{} : target.substr(question + 1));
  if (!path || !parameters) return permanent("The request target is not a valid URL");
  return Target{std::move(*path), std::move(*parameters)};
}

const std::string* find_parameter(const Parameters& parameters, std::string_view name) {
  const auto found =
      std::find_if(parameters.begin(), parameters.end(), [&](const auto& p) { return p.first == name; });
  return found == parameters.end() ? nullptr : &found->second;
}

boost::system::result<std::size_t, ParameterError> parse_count(const Parameters& parameters,
                                                               std::string_view name, std::size_t initial,
                                                               std::size_t most) {
  const auto* given = find_parameter(parameters, name);
  if (!given) return initial;
  std::size_t number = 0;
  const auto end = given->data() + given->size();
  const auto read = std::from_chars(given->data(), end, number);
  if (read.ec != std::errc{} || read.ptr != end || number < 1 || number > most) {
    return ParameterError{std::string(name),
                          std::string(name) + " must be a whole number from 1 to " + std::to_string(most)};
  }
  return number;
}

boost::system::result<MessageListingParameters, ParameterError> parse_message_listing(
    const Parameters& parameters) {
  MessageListingParameters out;
  if (const auto* limit = find_parameter(parameters, "limit")) {
    long long number = 0;
    const auto [end, error] = std::from_chars(limit->data(), limit->data() + limit->size(), number);
    const bool beyond = error == std::errc::result_out_of_range && limit->front() != '-';
    if (!beyond && (error != std::errc{} || end != limit->data() + limit->size() || number <= 0)) {
      return ParameterError{"limit", "limit must be a whole number of at least 1"};
    }
    out.limit = beyond ? kMostMessages : std::min(static_cast<std::size_t>(number), kMostMessages);
  }
  if (const auto* sort_by = find_parameter(parameters, "sort_by")) {
    if (*sort_by != "timestamp" && *sort_by != "id") {
      return ParameterError{"sort_by", "sort_by must be timestamp or id"};
    }
    out.sort_by = *sort_by == "id" ? store::SortBy::id : store::SortBy::timestamp;
  }
  if (const auto* order = find_parameter(parameters, "order")) {
    if (*order != "asc" && *order != "desc") return ParameterError{"order", "order must be asc or desc"};
    out.order = *order == "asc" ? store::Order::ascending : store::Order::descending;
  }
  if (const auto* buffer_only = find_parameter(parameters, "buffer_only")) {
    std::string value = *buffer_only;
    std::transform(value.begin(), value.end(), value.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    const bool yes = value == "true" || value == "1";
    if (!yes && value != "false" && value != "0") {
      return ParameterError{"buffer_only", "buffer_only must be true or false"};
    }
    out.buffer_only = yes;
  }
  const auto* include = find_parameter(parameters, "include");
  out.include_metadata = include && *include == "metadata";
  return out;
}

boost::system::result<std::optional<std::chrono::seconds>, ParameterError> parse_window(
    const Parameters& parameters) {
  const auto* window = find_parameter(parameters, "window");
  if (!window) return std::nullopt;
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(window->data(), window->data() + window->size(), number);
  const std::string_view unit(end, static_cast<std::size_t>(window->data() + window->size() - end));
  const std::int64_t factor = unit.empty() || unit == "s" ? 1
                              : unit == "m"               ? 60
                              : unit == "h"               ? 3600
                              : unit == "d"               ? 86'400
                                                          : 0;
  if (error != std::errc{} || factor == 0 || number < 1 || number > kLongestWindow / factor) {
    return ParameterError{"window", "window must be a time from 1s to 30d, like 90s, 5m, 1h or 1d"};
  }
  return std::chrono::seconds(number * factor);
}

}  // namespace holdfast::http::codec
