// Request targets: path and query, decoded; and the typed parameters of the listing routes.
#pragma once

#include <boost/system/result.hpp>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "holdfast/base/result.hpp"
#include "holdfast/http/exchange.hpp"
#include "holdfast/store/memory_store.hpp"

namespace holdfast::http::codec {

struct Target {
  std::string path;  // decoded, without a trailing slash (but "/" stays)
  Parameters parameters;
};

// Percent-decoding, '+' as a space in the query. Refused (permanent): no leading '/', a malformed escape, NUL
// or any control character, bytes >= 0x80 that are not escaped.
Result<Target> parse_target(std::string_view target);

// The first value of a parameter, or nothing.
const std::string* find_parameter(const Parameters& parameters, std::string_view name);

struct ParameterError {
  std::string field;
  std::string message;
};
[[noreturn]] void throw_exception_from_error(const ParameterError& error, const boost::source_location&);

// A whole number from 1 to most; a parameter that is not there is initial.
boost::system::result<std::size_t, ParameterError> parse_count(const Parameters& parameters,
                                                               std::string_view name, std::size_t initial,
                                                               std::size_t most);

struct MessageListingParameters {
  std::size_t limit = 20;  // 1…100
  store::SortBy sort_by = store::SortBy::timestamp;
  store::Order order = store::Order::descending;
  bool buffer_only = false;
  bool include_metadata = false;
};
boost::system::result<MessageListingParameters, ParameterError> parse_message_listing(
    const Parameters& parameters);

// window=90s, 5m, 1h, 1d, or a plain number of seconds: 1 s…30 d. Nothing where it is not given.
boost::system::result<std::optional<std::chrono::seconds>, ParameterError> parse_window(
    const Parameters& parameters);

}  // namespace holdfast::http::codec
