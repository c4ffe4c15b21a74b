// Text to typed values, the same for YAML, environment and command line.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

#include "holdfast/embedding/options.hpp"

namespace holdfast::settings {

std::optional<std::int64_t> parse_integer(std::string_view text);
std::optional<double> parse_decimal(std::string_view text);
std::optional<bool> parse_boolean(std::string_view text);  // true or false alone
std::optional<std::chrono::milliseconds> parse_duration(
    std::string_view text);                                      // 250ms, 5s, 1m, 24h; plain seconds
std::optional<std::uint64_t> parse_size(std::string_view text);  // 64MiB, 100MB, 8GiB, 512KiB; plain bytes

// "https://api.openai.com/v1": scheme http or https, a host (IPv6 in brackets), a port or the scheme's own, a
// path or none.
std::optional<embedding::Endpoint> parse_endpoint(std::string_view url);

}  // namespace holdfast::settings
