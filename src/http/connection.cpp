#include "connection.hpp"

#include <algorithm>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/status.hpp>
#include <boost/beast/ssl.hpp>
#include <chrono>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include "access.hpp"
#include "gate.hpp"
#include "holdfast/base/log.hpp"
#include "holdfast/http/codec/render.hpp"
#include "holdfast/http/codec/url.hpp"
#include "holdfast/http/status.hpp"
#include "holdfast/service/memory_service.hpp"
#include "incoming.hpp"

namespace holdfast::http {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace bhttp = boost::beast::http;
using Clock = std::chrono::steady_clock;

constexpr std::uint64_t kDiscarded = 64u << 10;   // a refused body up to this is read past
constexpr std::uint64_t kRequestOverhead = 4096;  // beside the body, of a request being served
constexpr std::uint64_t kBigBody = 64u << 10;     // refused while memory is critical
constexpr std::uint64_t kSlowestBytesPerSecond = 16u << 10;

Reply error_reply(unsigned status, std::string_view message) {
  return {status, codec::render_error(status, message, {}), "application/json", {}};
}

Reply overload_reply(unsigned status, std::string_view message) {
  auto reply = error_reply(status, message);
  reply.headers.emplace_back("Retry-After", "1");
  return reply;
}

// Status line and fields, through the empty line.
std::string header_of(const Reply& reply, bool keep_alive) {
  std::string header;
  header.reserve(192 + reply.body.size());  // with room for the body
  header += "HTTP/1.1 ";
  header += std::to_string(reply.status);
  header += ' ';
  header += bhttp::obsolete_reason(static_cast<bhttp::status>(reply.status));
  const auto add = [&header](std::string_view name, std::string_view value) {
    header += "\r\n";
    header += name;
    header += ": ";
    header += value;
  };
  if (reply.status != 204) {
    add("Content-Type", reply.content_type);
    add("Content-Length", std::to_string(reply.body.size()));
  }
  for (const auto& [name, value] : reply.headers) add(name, value);
  if (!keep_alive) add("Connection", "close");
  return header += "\r\n\r\n";
}

// The request for a header, and its route or why there is none.
struct Target {
  Request request;
  const Route* route = nullptr;
  std::optional<Reply> refusal;
  bool close = false;  // with the refusal
};

Target resolve(const RequestHeader& header, Side side) {
  Target target;
  auto url = codec::parse_target(header.target);
  if (!url) {
    target.refusal = error_reply(400, url.error().message);
    target.close = true;
    return target;
  }
  auto& request = target.request;
  request.method = header.method;
  request.path = std::move(url->path);
  request.parameters = std::move(url->parameters);
  request.idempotency_key = header.idempotency_key;
  auto match = find_route(request.method, request.path, side);
  if (match.route) {
    target.route = match.route;
    request.path_arguments = std::move(match.path_arguments);
  } else if (match.allowed.empty()) {
    target.refusal = error_reply(404, "Not Found");
  } else {
    target.refusal = error_reply(405, "Method Not Allowed");
    target.refusal->headers.emplace_back("Allow", match.allowed);
  }
  return target;
}

// What the path says of whose request it is, before anything is looked up; 0: nothing.
RouteKey user_key(const Target& target) {
  if (!target.route || target.request.path_arguments.empty()) return 0;
  const auto& id = target.request.path_arguments[0];
  if (target.route->access == Access::session) return session_route_key(id).value_or(0);
  return target.route->access == Access::user ? route_key(id) : 0;
}

// Adds or changes contents, which then take memory.
bool takes_contents(const Route& route) {
  using metrics::Route;
  const bool writes = route.method == Method::put || route.method == Method::post;
  return route.label == Route::messages_add || route.label == Route::messages_batch ||
         (route.label == Route::messages_change && writes) ||
         (route.label == Route::knowledge && writes && !route.pattern.ends_with("/read"));
}

// What memory has no room for is refused before its body is read.
std::optional<Reply> refuse_for_memory(memory::Pressure& pressure, const Route& route, std::uint64_t bytes,
                                       metrics::ShardProbe& probe) {
  const auto level = pressure.level();
  if (level < memory::Level::critical || !takes_contents(route)) return std::nullopt;
  if (level == memory::Level::critical && bytes <= kBigBody) return std::nullopt;
  pressure.count(level == memory::Level::critical ? memory::Action::refused_big_body
                                                  : memory::Action::refused);
  probe.refused[metrics::RefusalReason::memory_pressure].add();
  return overload_reply(503, level == memory::Level::critical ? "Memory is short: send smaller requests"
                                                              : "Memory is used up: try again later");
}

// While the journal is replayed only health, metrics and the like answer.
bool answers_while_starting(const Route& route) {
  return route.label == metrics::Route::health || route.label == metrics::Route::metrics ||
         route.label == metrics::Route::buffer || route.access == Access::open;
}

asio::awaitable<Reply> answer(Api& api, const Route& route, Request request) {
  try {
    co_return co_await route.handle(api, std::move(request));
  } catch (const std::exception& bug) {
    log::error("a request to {} {} ended in an exception: {}", to_string(route.method), route.pattern,
               bug.what());
  }
  co_return error_reply(500, "Internal server error");
}

// What was taken under pressure is answered with a hint.
void ask_to_slow_down(memory::Pressure& pressure, const Route& route, Reply& reply) {
  if (pressure.level() == memory::Level::normal || reply.status >= 300 || !takes_contents(route)) return;
  reply.headers.emplace_back("Retry-After", "1");
  pressure.count(memory::Action::asked_to_slow_down);
}

void count(metrics::ShardProbe& probe, metrics::Route label, unsigned status, Clock::time_point began) {
  const auto spent = std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now() - began).count();
  probe.request_ns[label].record(static_cast<std::uint64_t>(spent));
  probe.responses[label][std::min(status / 100, 5u)].add();
}

bool asks_to_wait(const Reply& reply) {
  return std::any_of(reply.headers.begin(), reply.headers.end(),
                     [](const auto& header) { return header.first == "Retry-After"; });
}

// Before an answer that says "later": a client that does not heed it cannot take the machine from the others
// by asking again at once.
asio::awaitable<void> pause() {
  constexpr std::chrono::milliseconds kPause{100};
  asio::steady_timer timer(co_await asio::this_coro::executor, kPause);
  co_await timer.async_wait(kAwait);
}

// False: the connection is of no more use, or was not to be kept.
template <class S>
asio::awaitable<bool> send(S& stream, Reply reply, std::chrono::milliseconds time, bool keep_alive,
                           bool head_only = false) {
  // One buffer: the TLS stream ends a write silently between two when the second is large (Beast 1.81).
  auto text = header_of(reply, keep_alive);
  if (!head_only && reply.status != 204) text += reply.body;
  std::size_t sent = 0;
  if constexpr (std::is_same_v<S, Stream>) {  // what the socket has room for needs no wait and no deadline
    beast::error_code failed;
    sent = stream.socket().write_some(asio::buffer(text), failed);
    if (failed && failed != asio::error::would_block) co_return false;
    if (sent == text.size()) co_return keep_alive;
  }
  socket_of(stream).expires_after(time);
  const auto [error, rest] = co_await asio::async_write(stream, asio::buffer(text) + sent, kAwait);
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

// All that is decided before the body is read. Nothing: the request may come in, and a reservation is taken.
asio::awaitable<std::optional<Reply>> refuse(Api& api, ConnectionSet& set, const RequestHeader& header,
                                             Target& target,
                                             std::optional<ConnectionSet::Reservation>& reserved) {
  if (target.refusal) co_return std::move(target.refusal);
  const auto& route = *target.route;
  const auto& limits = target.request.serving->limits;
  if (api.status.phase() == Phase::starting && !answers_while_starting(route)) {
    co_return overload_reply(503, "Starting: the journal is being replayed");
  }
  if (auto no_access = co_await refuse_access(api, route, header, target.request)) co_return no_access;
  const auto most = route.limit == BodyLimit::bulk ? limits.bulk_body_bytes : limits.body_bytes;
  if (header.content_length > most) {
    co_return error_reply(413, "The body is larger than " + std::to_string(most) + " bytes");
  }
  auto& pressure = api.memory.parts().pressure;
  if (auto short_of = refuse_for_memory(pressure, route, header.content_length, set.probe()))
    co_return short_of;
  auto room =
      set.reserve(user_key(target), header.content_length + kRequestOverhead, *target.request.serving);
  if (auto* taken = std::get_if<ConnectionSet::Reservation>(&room)) {
    reserved.emplace(std::move(*taken));
    co_return std::nullopt;
  }
  const bool user = std::get<ConnectionSet::NoRoom>(room) == ConnectionSet::NoRoom::for_user;
  using metrics::RefusalReason;
  set.probe().refused[user ? RefusalReason::user_quota : RefusalReason::request_bytes].add();
  co_return overload_reply(user ? 429 : 503, user ? "Too many requests of this user are being served"
                                                  : "Too many requests are being served");
}

template <class S>
asio::awaitable<Read> read_body(S& stream, Incoming<S>& incoming, const RequestHeader& header,
                                const Limits& limits, std::string& body) {
  const std::chrono::seconds extra{static_cast<std::int64_t>(header.content_length / kSlowestBytesPerSecond)};
  if (header.expects_continue) {
    socket_of(stream).expires_after(limits.body_timeout);
    static constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
    const auto [failed, sent] = co_await asio::async_write(stream, asio::buffer(kContinue), kAwait);
    if (failed) co_return Read::closed;
  }
  co_return co_await incoming.body(header.content_length, &body, limits.body_timeout + extra);
}

// One request after the other. False: the connection ended without an answer that the client may still read.
template <class S>
asio::awaitable<bool> serve_requests(S& stream, ConnectionSet& set, ConnectionSet::Registration& registration,
                                     Api& api, Side side) {
  Incoming<S> incoming(stream);
  bool first = true;
  while (!set.closing()) {
    auto serving = api.serving.get();
    const auto& limits = serving->limits;
    const auto read = co_await incoming.header(limits, first ? limits.header_timeout : limits.idle_timeout);
    if (read == Read::closed) co_return false;
    first = false;
    const auto began = Clock::now();
    registration.set_busy(true);
    const auto end_with = [&](const Reply& reply) {
      count(set.probe(), metrics::Route::other, reply.status, began);
      return send(stream, reply, limits.body_timeout, false);
    };
    if (read != Read::done) {
      auto reply = error_reply(431, "The header is too large");
      if (read == Read::timed_out) reply = error_reply(408, "The header did not arrive in time");
      co_await end_with(reply);
      co_return true;
    }
    const auto header = read_header(incoming.header_block(), limits);
    if (!header) {
      const auto reply = error_reply(header.error().status, header.error().message);
      co_await end_with(reply);
      co_return true;
    }

    auto target = resolve(*header, side);
    target.request.serving = serving;
    target.request.probe = &set.probe();
    const auto label = target.route ? target.route->label : metrics::Route::other;
    std::optional<ConnectionSet::Reservation> reserved;
    bool keep_alive = header->keep_alive && !target.close;
    set.buffers().drop_idle_where_critical();
    auto refused = co_await refuse(api, set, *header, target, reserved);
    Reply reply;
    if (refused) {
      reply = std::move(*refused);
      keep_alive = keep_alive && header->content_length <= kDiscarded && !header->expects_continue;
      if (keep_alive) {
        const auto discarded = co_await incoming.body(header->content_length, nullptr, limits.body_timeout);
        if (discarded != Read::done) co_return false;
      }
    } else {
      target.request.body = set.buffers().lease(header->content_length);
      const auto body = co_await read_body(stream, incoming, *header, limits, target.request.body.text());
      if (body == Read::timed_out) {
        reply = error_reply(408, "The body did not arrive in time");
        co_await end_with(reply);
        co_return true;
      }
      if (body != Read::done) co_return false;
      reply = co_await answer(api, *target.route, std::move(target.request));
      ask_to_slow_down(api.memory.parts().pressure, *target.route, reply);
    }
    count(set.probe(), label, reply.status, began);
    reserved.reset();
    const bool overloaded = reply.status == 429 || (reply.status == 503 && asks_to_wait(reply));
    if (overloaded) co_await pause();
    keep_alive = keep_alive && !set.closing();
    const bool go_on =
        co_await send(stream, std::move(reply), limits.body_timeout, keep_alive, header->head_only);
    registration.set_busy(false);
    if (!go_on) co_return !keep_alive;
  }
  co_return false;
}

asio::awaitable<void> serve_tls(Stream& socket, ConnectionSet& set, ConnectionSet::Registration& registration,
                                Api& api, Side side, std::shared_ptr<asio::ssl::context> context) {
  beast::ssl_stream<Stream&> stream(socket, *context);
  socket.expires_after(api.serving.get()->limits.header_timeout);
  const auto [error] = co_await stream.async_handshake(asio::ssl::stream_base::server, kAwait);
  if (error) co_return;
  const bool still_sending = co_await serve_requests(stream, set, registration, api, side);
  socket.expires_after(std::chrono::seconds(1));
  co_await stream.async_shutdown(kAwait);
  if (still_sending) co_await linger(socket);
}

}  // namespace

asio::awaitable<void> serve_connection(Stream stream, ConnectionSet& set, Api& api, Side side) {
  ConnectionSet::Registration registration(set, stream);
  beast::error_code ignored;
  stream.socket().set_option(asio::ip::tcp::no_delay(true), ignored);
  stream.socket().non_blocking(true, ignored);
  if (auto context = api.serving.get()->tls) {
    co_await serve_tls(stream, set, registration, api, side, std::move(context));
  } else {
    const bool still_sending = co_await serve_requests(stream, set, registration, api, side);
    if (still_sending) co_await linger(stream);
  }
  stream.socket().shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
}

asio::awaitable<void> turn_away(Stream stream, Api& api, metrics::ShardProbe& probe) {
  probe.refused[metrics::RefusalReason::connections].add();
  beast::error_code ignored;
  if (api.serving.get()->tls) co_return;  // a handshake would be more work than the answer is worth
  stream.socket().non_blocking(true, ignored);
  co_await send(stream, overload_reply(503, "Too many connections"), std::chrono::seconds(1), false);
}

}  // namespace holdfast::http
