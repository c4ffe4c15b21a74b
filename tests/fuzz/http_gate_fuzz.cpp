// The gate over any bytes, and behind it what a route does with the request before it touches a module: the
// target's decoding, the table of routes, the parser of the body.
//
// Input: a byte that chooses (1: the whole rest is the block, else up to and including the first empty line,
// as the connection cuts it; 2: tiny limits; 4: without the admin routes), then header and body.
#include "http/gate.hpp"

#include <algorithm>
#include <string>
#include <string_view>

#include "holdfast/http/codec/parse.hpp"
#include "holdfast/http/codec/render.hpp"
#include "holdfast/http/codec/url.hpp"
#include "holdfast/http/routes.hpp"
#include "require.hpp"

namespace holdfast::http {
namespace {

using fuzz::require;

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return out;
}

bool has_controls(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

// Reads the fields again, in the laxest way any other program could: nothing that was let through may look
// otherwise to it.
void check_accepted(std::string_view block, const RequestHeader& header) {
  require(block.find("\r\n\r\n") == block.size() - 4, "the only empty line is at the end");
  require(std::all_of(header.target.begin(), header.target.end(), [](char c) { return c > ' ' && c < 0x7f; }),
          "the target is printable");
  require(block.find('\0') == std::string_view::npos, "no NUL");
  int lengths = 0, hosts = 0;
  std::uint64_t length = 0;
  for (auto rest = block.substr(block.find("\r\n") + 2); !rest.empty();) {
    const auto end = rest.find_first_of("\r\n");
    const auto line = rest.substr(0, end);
    require(rest.substr(end, 2) == "\r\n", "every line ends in CRLF");
    rest.remove_prefix(end + 2);
    if (line.empty()) continue;
    const auto name_end = line.find_first_of(": \t");
    require(line[name_end] == ':', "a colon follows the name");
    const auto name = lower(line.substr(0, name_end));
    require(name != "transfer-encoding", "no Transfer-Encoding");
    hosts += name == "host";
    if (name != "content-length") continue;
    ++lengths;
    for (const char c : line.substr(name_end + 1)) {
      if (c == ' ' || c == '\t') continue;
      require(c >= '0' && c <= '9', "Content-Length has digits alone");
      length = length * 10 + static_cast<std::uint64_t>(c - '0');
    }
  }
  require(lengths <= 1 && hosts <= 1, "no second Content-Length or Host");
  require(length == header.content_length, "Content-Length is the number that was accepted");
}

void parse_body(const Route& route, std::string_view body, const Limits& limits) {
  using L = metrics::Route;
  const bool post = route.method == Method::post, put = route.method == Method::put;
  const bool read = route.pattern.ends_with("/read");
  if (route.label == L::messages_add) (void)codec::parse_add_messages(body, limits);
  if (route.label == L::messages_change && put) (void)codec::parse_update_messages(body, limits);
  if (route.label == L::messages_change && !put) (void)codec::parse_ids(body, "message_ids");
  if (route.label == L::messages_read && post) (void)codec::parse_ids(body, "message_ids");
  if (route.label == L::messages_batch)
    (void)codec::parse_batch_line(body.substr(0, body.find('\n')), limits);
  if (route.label == L::query) (void)codec::parse_query(body, "u");
  if (route.label == L::buffer && post) (void)codec::parse_flush(body);
  if (route.label == L::sessions && post) (void)codec::parse_create_session(body);
  if ((route.label == L::users || route.label == L::agents) && post) (void)codec::parse_create_named(body);
  if ((route.label == L::users || route.label == L::agents || route.label == L::sessions) && put)
    (void)codec::parse_change_named(body);
  if (route.label == L::knowledge && post && !read) (void)codec::parse_add_knowledge(body, limits);
  if (route.label == L::knowledge && put) (void)codec::parse_update_knowledge(body, limits);
  if (route.label == L::knowledge && (read || route.method == Method::erase))
    (void)codec::parse_ids(body, "knowledge_ids");
}

void serve(const RequestHeader& header, std::string_view body, Side side, const Limits& limits) {
  const auto target = codec::parse_target(header.target);
  if (!target) return;
  require(target->path.front() == '/', "a path begins with /");
  require(!has_controls(target->path), "a path has no control characters");
  for (const auto& [name, value] : target->parameters) {
    require(!has_controls(name) && !has_controls(value), "a parameter has no control characters");
  }
  if (const auto listing = codec::parse_message_listing(target->parameters)) {
    require(listing->limit >= 1 && listing->limit <= 100, "a listing's limit is in its bounds");
  }
  const auto match = find_route(header.method, target->path, side);
  if (!match.route) return;
  const auto& pattern = match.route->pattern;
  require(match.route->method == header.method, "the route has the request's method");
  require(match.path_arguments.size() ==
              static_cast<std::size_t>(std::count(pattern.begin(), pattern.end(), '{')),
          "an argument for each {}");
  for (const auto& argument : match.path_arguments) require(!argument.empty(), "no argument is empty");
  require(side != Side::without_admin || match.route->access != Access::admin, "no admin route on this side");
  parse_body(*match.route, body, limits);
}

void run(fuzz::Input input) {
  const auto choice = input.byte();
  Limits limits;
  if (choice & 2) {
    limits.header_bytes = 96;
    limits.header_fields = 2;
    limits.message_bytes = 16;
    limits.batch_messages = 2;
  }
  const auto all = input.rest();
  const auto empty_line = all.find("\r\n\r\n");
  const bool cut = !(choice & 1) && empty_line != std::string_view::npos;
  const auto block = cut ? all.substr(0, empty_line + 4) : all;
  const auto header = read_header(block, limits);
  if (!header) {
    const auto& refused = header.error();
    require(refused.status >= 400 && refused.status <= 505 && !refused.message.empty(), "a refusal says why");
    require(refused.close, "nothing more is parsed after a refusal");
    return;
  }
  require(block.size() <= limits.header_bytes, "the header is in its limit");
  check_accepted(block, *header);
  serve(*header, all.substr(block.size()), choice & 4 ? Side::without_admin : Side::everything, limits);
}

}  // namespace
}  // namespace holdfast::http

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  holdfast::http::run({data, size});
  return 0;
}
