#include "values.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <utility>

namespace holdfast::settings {
namespace {

template <class Number>
std::optional<Number> parse_whole(std::string_view text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return value;
}

// "250ms" → 250 and "ms".
std::pair<std::string_view, std::string_view> split_unit(std::string_view text) {
  const auto digits = text.find_first_not_of("0123456789.");
  if (digits == std::string_view::npos) return {text, {}};
  return {text.substr(0, digits), text.substr(digits)};
}

struct Unit {
  std::string_view name;
  double factor;
};

template <std::size_t N>
std::optional<double> parse_with_unit(std::string_view text, const std::array<Unit, N>& units) {
  const auto [number, unit_name] = split_unit(text);
  const auto value = parse_whole<double>(number);
  if (!value) return std::nullopt;
  for (const auto& unit : units) {
    if (unit.name == unit_name) return *value * unit.factor;
  }
  return std::nullopt;
}

constexpr std::array<Unit, 5> kTimeUnits{
    {{"", 1000}, {"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}}};
constexpr std::array<Unit, 8> kSizeUnits{{{"", 1},
                                          {"B", 1},
                                          {"KB", 1e3},
                                          {"MB", 1e6},
                                          {"GB", 1e9},
                                          {"KiB", 1024.0},
                                          {"MiB", 1024.0 * 1024},
                                          {"GiB", 1024.0 * 1024 * 1024}}};
constexpr double kMost = 1e15;  // exact in a double

}  // namespace

std::optional<std::int64_t> parse_integer(std::string_view text) {
  return parse_whole<std::int64_t>(text);
}

std::optional<double> parse_decimal(std::string_view text) {
  const auto value = parse_whole<double>(text);
  if (!value || !std::isfinite(*value)) return std::nullopt;
  return value;
}

std::optional<bool> parse_boolean(std::string_view text) {
  if (text == "true") return true;
  if (text == "false") return false;
  return std::nullopt;
}

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) {
  const auto milliseconds = parse_with_unit(text, kTimeUnits);
  if (!milliseconds || *milliseconds > kMost) return std::nullopt;
  return std::chrono::milliseconds{std::llround(*milliseconds)};
}

std::optional<std::uint64_t> parse_size(std::string_view text) {
  const auto bytes = parse_with_unit(text, kSizeUnits);
  if (!bytes || *bytes > kMost) return std::nullopt;
  return static_cast<std::uint64_t>(std::llround(*bytes));
}

std::optional<embedding::Endpoint> parse_endpoint(std::string_view url) {
  embedding::Endpoint endpoint;
  const auto take = [&](std::string_view prefix) {
    const bool there = url.starts_with(prefix);
    if (there) url.remove_prefix(prefix.size());
    return there;
  };
  endpoint.tls = take("https://");
  if (!endpoint.tls && !take("http://")) return std::nullopt;
  const auto is_printable = [](char c) { return c > 0x20 && c < 0x7f; };
  if (!std::all_of(url.begin(), url.end(), is_printable)) return std::nullopt;
  if (url.find_first_of("@?#\\") != std::string_view::npos) return std::nullopt;
  const auto slash = std::min(url.find('/'), url.size());
  auto authority = url.substr(0, slash);
  auto path = url.substr(slash);
  while (path.ends_with('/')) path.remove_suffix(1);
  endpoint.path = path;
  const bool bracketed = authority.starts_with('[');
  const auto host_end = bracketed ? authority.find(']') : std::min(authority.find(':'), authority.size());
  if (host_end == std::string_view::npos) return std::nullopt;
  endpoint.host = authority.substr(bracketed, host_end - bracketed);
  authority.remove_prefix(host_end + bracketed);
  endpoint.port = endpoint.tls ? 443 : 80;
  if (!authority.empty()) {
    const auto port =
        authority.front() == ':' ? parse_whole<std::uint16_t>(authority.substr(1)) : std::nullopt;
    if (!port || *port == 0) return std::nullopt;
    endpoint.port = *port;
  }
  if (endpoint.host.empty()) return std::nullopt;
  return endpoint;
}

}  // namespace holdfast::settings
