// The strict gate: reads a request's header, and refuses every form of it that two programs could read in two
// ways (RFC 9112, and stricter). After a refusal nothing more may be parsed on the connection. Pure.
#pragma once

#include <boost/system/result.hpp>
#include <cstdint>
#include <string>
#include <string_view>

#include "holdfast/http/exchange.hpp"
#include "holdfast/http/options.hpp"

namespace holdfast::http {

// Views into the block that was read.
struct RequestHeader {
  Method method = Method::other;
  bool head_only = false;   // HEAD: a GET whose answer has no body
  std::string_view target;  // printable ASCII
  bool keep_alive = true;
  bool expects_continue = false;
  std::uint64_t content_length = 0;
  std::string_view idempotency_key, authorization, api_key;  // empty when absent
};

struct Rejection {  // why a request is answered before a route sees it
  unsigned status = 400;
  std::string message;
  bool close = true;
};
[[noreturn]] void throw_exception_from_error(const Rejection& rejection, const boost::source_location&);

// block: all up to and including the empty line. Refused: line ends other than CRLF; anything but
// "METHOD SP target SP HTTP/1.0 or 1.1"; bytes outside printable ASCII in the target; white space before a
// colon; folded lines; control characters; not exactly one Host (HTTP/1.1); Content-Length twice, in a list
// or not a number; any Transfer-Encoding (400 where it could hide a body: beside Content-Length, in
// HTTP/1.0; else 501); a Content-Encoding; more fields or bytes than the limits; two of a field that is used
// here.
boost::system::result<RequestHeader, Rejection> read_header(std::string_view block, const Limits& limits);

}  // namespace holdfast::http
