#include "connection.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <chrono>
#include <optional>
#include <string>
#include <utility>

#include "holdfast/base/log.hpp"
#include "holdfast/http/codec/render.hpp"
#include "holdfast/http/codec/url.hpp"
#include "holdfast/http/status.hpp"

namespace holdfast::http {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace bhttp = boost::beast::http;
using Parser = bhttp::request_parser<bhttp::string_body>;
using Clock = std::chrono::steady_clock;

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);

struct Rejection {  // why a request is answered before a route sees it
  unsigned status;
  std::string message;
  bool close = true;
  std::string allow;
};

Method method_of(bhttp::verb verb) {
  switch (verb) {
    case bhttp::verb::get:
      return Method::get;
    case bhttp::verb::post:
      return Method::post;
    case bhttp::verb::put:
      return Method::put;
    case bhttp::verb::delete_:
      return Method::erase;
    default:
      return Method::other;
  }
}

// Framing that could be read in two ways is refused and the connection closed: nothing after it is parsed.
std::optional<Rejection> check_framing(const Parser& parser, const Limits& limits) {
  const auto& header = parser.get();
  if (header.count(bhttp::field::transfer_encoding) > 0) {
    return Rejection{501, "Transfer-Encoding is not supported: send Content-Length"};
  }
  if (header.version() != 10 && header.version() != 11) return Rejection{505, "Only HTTP/1.1 is supported"};
  if (header.version() == 11 && header.count(bhttp::field::host) != 1) {
    return Rejection{400, "Exactly one Host header is required"};
  }
  if (header.count(bhttp::field::content_length) > 1) return Rejection{400, "More than one Content-Length"};
  std::size_t fields = 0;
  for (auto field = header.begin(); field != header.end(); ++field) ++fields;
  if (fields > limits.header_fields) return Rejection{431, "Too many header fields"};
  return std::nullopt;
}

Rejection rejection_for(const beast::error_code& error) {
  if (error == bhttp::error::header_limit) return {431, "The header is too large"};
  if (error == bhttp::error::body_limit) return {413, "The body is too large"};
  return {400, "Malformed HTTP request: " + error.message()};
}

std::string error_body(const Rejection& rejection) {
  return codec::render_error(rejection.status, rejection.message, {});
}

bhttp::response<bhttp::string_body> to_response(Reply reply, unsigned version, bool keep_alive) {
  bhttp::response<bhttp::string_body> response{static_cast<bhttp::status>(reply.status), version};
  if (reply.status != 204) response.set(bhttp::field::content_type, reply.content_type);
  for (const auto& [name, value] : reply.headers) response.set(name, value);
  response.keep_alive(keep_alive);
  response.body() = std::move(reply.body);
  if (reply.status == 204) {
    response.content_length(boost::none);
  } else {
    response.prepare_payload();
  }
  return response;
}

Reply to_reply(const Rejection& rejection) {
  Reply reply{rejection.status, error_body(rejection), "application/json", {}};
  if (!rejection.allow.empty()) reply.headers.emplace_back("Allow", rejection.allow);
  return reply;
}

// The route for a parsed header, or why there is none.
struct Target {
  Request request;
  const Route* route = nullptr;
  std::optional<Rejection> rejection;
};

Target resolve(const Parser& parser) {
  const auto& header = parser.get();
  Target target;
  auto url = codec::parse_target(std::string_view(header.target().data(), header.target().size()));
  if (!url) {
    target.rejection = Rejection{400, url.error().message, true, {}};
    return target;
  }
  target.request.method = method_of(header.method());
  target.request.path = std::move(url->path);
  target.request.parameters = std::move(url->parameters);
  auto match = find_route(target.request.method, target.request.path);
  if (!match.route) {
    const bool known = !match.allowed.empty();
    target.rejection =
        Rejection{known ? 405u : 404u, known ? "Method Not Allowed" : "Not Found", false, match.allowed};
    return target;
  }
  target.route = match.route;
  target.request.path_arguments = std::move(match.path_arguments);
  const auto key = header["Idempotency-Key"];
  target.request.idempotency_key.assign(key.data(), key.size());
  return target;
}

// While the journal is replayed only health, metrics and the like answer.
std::optional<Reply> refusal_while_not_ready(const Status& status, const Route& route) {
  if (status.phase() != Phase::starting || route.label == metrics::Route::health ||
      route.label == metrics::Route::metrics || route.label == metrics::Route::buffer) {
    return std::nullopt;
  }
  return Reply{503,
               codec::render_error(503, "Starting: the journal is being replayed", {}),
               "application/json",
               {{"Retry-After", "1"}}};
}

asio::awaitable<Reply> answer(Api& api, const Route& route, Request request) {
  if (auto refusal = refusal_while_not_ready(api.status, route)) co_return std::move(*refusal);
  try {
    co_return co_await route.handle(api, std::move(request));
  } catch (const std::exception& bug) {
    log::error("a request to {} {} ended in an exception: {}", to_string(route.method), route.pattern,
               bug.what());
  }
  co_return Reply{500, codec::render_error(500, "Internal server error", {}), "application/json", {}};
}

void count(metrics::ShardProbe& probe, metrics::Route label, unsigned status, Clock::time_point began) {
  const auto spent = std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now() - began).count();
  probe.request_ns[label].record(static_cast<std::uint64_t>(spent));
  probe.responses[label][std::min(status / 100, 5u)].add();
}

asio::awaitable<bool> send(Stream& stream, Reply reply, unsigned version, bool keep_alive) {
  auto response = to_response(std::move(reply), version, keep_alive);
  const auto [error, bytes] = co_await bhttp::async_write(stream, response, kAwait);
  co_return !error && keep_alive;
}

// After an answer that ends the connection: a client that is still sending would be reset by a plain close,
// and never read the answer. So what it sends is read and dropped, for a while.
asio::awaitable<void> linger(Stream& stream) {
  constexpr std::size_t kMostBytes = 16u << 20;
  beast::error_code ignored;
  stream.socket().shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
  stream.expires_after(std::chrono::seconds(1));
  std::string scratch(64u << 10, '\0');
  for (std::size_t dropped = 0; dropped < kMostBytes;) {
    const auto [error, bytes] = co_await stream.async_read_some(asio::buffer(scratch), kAwait);
    if (error) break;
    dropped += bytes;
  }
}

// Reads the body after "100 Continue" where the client waits for it.
asio::awaitable<beast::error_code> read_body(Stream& stream, beast::flat_buffer& buffer, Parser& parser,
                                             const Limits& limits) {
  const auto length = parser.content_length().value_or(0);
  const std::chrono::seconds extra{static_cast<std::int64_t>(length / (16 * 1024))};
  stream.expires_after(limits.body_timeout + extra);
  if (beast::iequals(parser.get()[bhttp::field::expect], "100-continue")) {
    static constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
    const auto [failed, sent] = co_await asio::async_write(stream, asio::buffer(kContinue), kAwait);
    if (failed) co_return failed;
  }
  const auto [error, bytes] = co_await bhttp::async_read(stream, buffer, parser, kAwait);
  co_return error;
}

}  // namespace

ConnectionSet::Registration::Registration(ConnectionSet& set, Stream& stream)
    : set_(set), entry_{&stream, false} {
  set_.entries_.insert(&entry_);
  set_.probe_.connections.set(set_.entries_.size());
}

ConnectionSet::Registration::~Registration() {
  set_.entries_.erase(&entry_);
  set_.probe_.connections.set(set_.entries_.size());
  if (set_.entries_.empty()) set_.emptied_.cancel();
}

void ConnectionSet::close_idle() {
  closing_ = true;
  for (auto* entry : entries_) {
    if (!entry->busy) entry->stream->cancel();
  }
}

asio::awaitable<std::size_t> ConnectionSet::wait_until_empty(SteadyTime deadline) {
  if (!entries_.empty()) {
    emptied_.expires_at(deadline);
    co_await emptied_.async_wait(kAwait);
  }
  co_return entries_.size();
}

asio::awaitable<void> serve_connection(Stream stream, ConnectionSet& set, Api& api, const Limits& limits) {
  ConnectionSet::Registration registration(set, stream);
  beast::error_code ignored;
  stream.socket().set_option(asio::ip::tcp::no_delay(true), ignored);
  beast::flat_buffer buffer;
  bool first = true;
  while (!set.closing()) {
    Parser parser;
    parser.header_limit(static_cast<std::uint32_t>(limits.header_bytes));
    parser.body_limit(limits.bulk_body_bytes);
    stream.expires_after(first ? limits.header_timeout : limits.idle_timeout);
    first = false;
    const auto [error, bytes] = co_await bhttp::async_read_header(stream, buffer, parser, kAwait);
    if (error == bhttp::error::end_of_stream || error == beast::error::timeout ||
        error == asio::error::operation_aborted || error == asio::error::connection_reset ||
        error == bhttp::error::partial_message) {
      break;
    }
    const auto began = Clock::now();
    registration.set_busy(true);
    auto rejection = error ? std::optional(rejection_for(error)) : check_framing(parser, limits);
    if (rejection) {
      count(set.probe(), metrics::Route::other, rejection->status, began);
      stream.expires_after(limits.body_timeout);
      co_await send(stream, to_reply(*rejection), 11, false);
      co_await linger(stream);
      break;
    }

    auto target = resolve(parser);
    const auto body_limit =
        target.route && target.route->limit == BodyLimit::bulk ? limits.bulk_body_bytes : limits.body_bytes;
    if (parser.content_length().value_or(0) > body_limit) {
      target.rejection = Rejection{413, "The body is larger than " + std::to_string(body_limit) + " bytes"};
    } else if (!target.rejection || !target.rejection->close) {
      const auto failed = co_await read_body(stream, buffer, parser, limits);
      if (failed) break;
    }
    const auto version = parser.get().version();
    bool keep_alive = parser.get().keep_alive() && !set.closing();
    Reply reply;
    if (target.rejection) {
      reply = to_reply(*target.rejection);
      keep_alive = keep_alive && !target.rejection->close;
    } else {
      target.request.body = std::move(parser.get().body());
      target.request.probe = &set.probe();
      reply = co_await answer(api, *target.route, std::move(target.request));
    }
    count(set.probe(), target.route ? target.route->label : metrics::Route::other, reply.status, began);
    stream.expires_after(limits.body_timeout);
    const bool go_on = co_await send(stream, std::move(reply), version, keep_alive);
    registration.set_busy(false);
    if (target.rejection && target.rejection->close) co_await linger(stream);
    if (!go_on) break;
  }
  stream.socket().shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
}

asio::awaitable<void> turn_away(Stream stream, metrics::ShardProbe& probe) {
  probe.refused[metrics::RefusalReason::connections].add();
  Reply reply{
      503, codec::render_error(503, "Too many connections", {}), "application/json", {{"Retry-After", "1"}}};
  stream.expires_after(std::chrono::seconds(1));
  co_await send(stream, std::move(reply), 11, false);
}

}  // namespace holdfast::http
