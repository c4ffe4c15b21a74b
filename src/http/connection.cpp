#include "connection.hpp"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <utility>

#include "access.hpp"
#include "gate.hpp"
#include "holdfast/base/log.hpp"
#include "holdfast/http/codec/render.hpp"
#include "holdfast/http/codec/url.hpp"
#include "holdfast/http/status.hpp"
#include "holdfast/service/memory_service.hpp"

namespace holdfast::http {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace bhttp = boost::beast::http;
using Clock = std::chrono::steady_clock;

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t kReadBytes = 16u << 10;
constexpr std::size_t kBodyStep = 64u << 10;      // a body takes memory as it arrives
constexpr std::uint64_t kDiscarded = 64u << 10;   // a refused body up to this is read past
constexpr std::uint64_t kRequestOverhead = 4096;  // beside the body, of a request being served
constexpr std::uint64_t kBigBody = 64u << 10;     // refused while memory is critical
constexpr std::uint64_t kSlowestBytesPerSecond = 16u << 10;

template <class S>
Stream& socket_of(S& stream) {
  return beast::get_lowest_layer(stream);
}

Reply error_reply(unsigned status, std::string_view message) {
  return {status, codec::render_error(status, message, {}), "application/json", {}};
}

Reply overload_reply(unsigned status, std::string_view message) {
  auto reply = error_reply(status, message);
  reply.headers.emplace_back("Retry-After", "1");
  return reply;
}

bhttp::response<bhttp::string_body> to_response(Reply reply, bool keep_alive) {
  bhttp::response<bhttp::string_body> response{static_cast<bhttp::status>(reply.status), 11};
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

template <class S>
asio::awaitable<bool> send(S& stream, Reply reply, bool keep_alive, bool head_only = false) {
  auto response = to_response(std::move(reply), keep_alive);
  bhttp::response_serializer<bhttp::string_body> serializer{response};
  beast::error_code error;
  std::size_t bytes = 0;
  if (head_only) {
    std::tie(error, bytes) = co_await bhttp::async_write_header(stream, serializer, kAwait);
  } else {
    std::tie(error, bytes) = co_await bhttp::async_write(stream, serializer, kAwait);
  }
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

enum class Read { done, closed, timed_out, too_large };

// Ends a read that takes too long and leaves the stream open (the stream's own timer would close it), so that
// the client can be told.
class ReadDeadline {
 public:
  explicit ReadDeadline(Stream& stream)
      : state_(std::make_shared<State>(stream, asio::steady_timer(stream.get_executor()))) {}
  ~ReadDeadline() { stop(); }
  ReadDeadline(const ReadDeadline&) = delete;
  ReadDeadline& operator=(const ReadDeadline&) = delete;

  void start(std::chrono::milliseconds time) {
    state_->passed = false;
    state_->stream.expires_never();
    state_->timer.expires_after(time);
    state_->timer.async_wait([state = state_, round = ++state_->round](const beast::error_code& cancelled) {
      if (cancelled || state->round != round) return;
      state->passed = true;
      state->stream.cancel();
    });
  }
  void stop() {
    ++state_->round;
    state_->timer.cancel();
  }
  bool passed() const { return state_->passed; }

 private:
  struct State {
    State(Stream& its_stream, asio::steady_timer its_timer)
        : stream(its_stream), timer(std::move(its_timer)) {}
    Stream& stream;
    asio::steady_timer timer;
    std::uint64_t round = 0;
    bool passed = false;
  };
  std::shared_ptr<State> state_;  // a timer that has fired outlives us
};

// What a client has sent and nobody has taken yet.
template <class S>
class Incoming {
 public:
  explicit Incoming(S& stream) : stream_(stream), deadline_(socket_of(stream)) {}

  // The next header block, through its empty line; valid until the next call.
  asio::awaitable<Read> header(const Limits& limits, std::chrono::milliseconds first_byte) {
    std::size_t searched = 0;
    deadline_.start(bytes_.empty() ? first_byte : limits.header_timeout);
    for (;;) {
      const auto from = searched < 3 ? 0 : searched - 3;
      if (const auto end = bytes_.find("\r\n\r\n", from); end != std::string::npos) {
        deadline_.stop();
        header_bytes_ = end + 4;
        co_return header_bytes_ > limits.header_bytes ? Read::too_large : Read::done;
      }
      if (bytes_.size() > limits.header_bytes) co_return Read::too_large;
      searched = bytes_.size();
      if (const auto read = co_await more(); read != Read::done) {
        co_return read == Read::timed_out&& searched == 0 ? Read::closed : read;  // idle, and no request
      }
      if (searched == 0) deadline_.start(limits.header_timeout);
    }
  }
  std::string_view header_block() const { return std::string_view(bytes_).substr(0, header_bytes_); }
  void drop_header() { bytes_.erase(0, header_bytes_); }

  // As many bytes, into `to` or nowhere.
  asio::awaitable<Read> body(std::uint64_t length, std::string* to, std::chrono::milliseconds time) {
    deadline_.start(time);
    const auto here = static_cast<std::size_t>(std::min<std::uint64_t>(length, bytes_.size()));
    if (to) to->append(bytes_, 0, here);
    bytes_.erase(0, here);
    std::string scratch;
    for (auto left = length - here; left > 0;) {
      const auto step = static_cast<std::size_t>(std::min<std::uint64_t>(left, kBodyStep));
      auto& into = to ? *to : scratch;
      const auto begin = to ? to->size() : 0;
      into.resize(begin + step);
      const auto [error, got] =
          co_await stream_.async_read_some(asio::buffer(into.data() + begin, step), kAwait);
      into.resize(begin + got);
      if (error) co_return deadline_.passed() ? Read::timed_out : Read::closed;
      left -= got;
    }
    deadline_.stop();
    co_return Read::done;
  }

 private:
  asio::awaitable<Read> more() {
    const auto begin = bytes_.size();
    bytes_.resize(begin + kReadBytes);
    const auto [error, got] =
        co_await stream_.async_read_some(asio::buffer(bytes_.data() + begin, kReadBytes), kAwait);
    bytes_.resize(begin + got);
    if (error) co_return deadline_.passed() ? Read::timed_out : Read::closed;
    co_return Read::done;
  }

  S& stream_;
  ReadDeadline deadline_;
  std::string bytes_;
  std::size_t header_bytes_ = 0;
};

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
      socket_of(stream).expires_after(limits.body_timeout);
      return send(stream, reply, false);
    };
    if (read != Read::done) {
      auto reply = error_reply(431, "The header is too large");
      if (read == Read::timed_out) reply = error_reply(408, "The header did not arrive in time");
      co_await end_with(reply);
      co_return true;
    }
    const std::string block(incoming.header_block());
    incoming.drop_header();
    const auto header = read_header(block, limits);
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
      const auto body = co_await read_body(stream, incoming, *header, limits, target.request.body);
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
    socket_of(stream).expires_after(limits.body_timeout);
    keep_alive = keep_alive && !set.closing();
    const bool go_on = co_await send(stream, std::move(reply), keep_alive, header->head_only);
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

std::variant<ConnectionSet::Reservation, ConnectionSet::NoRoom> ConnectionSet::reserve(
    RouteKey user, std::uint64_t bytes, const Serving& serving) {
  const auto share = serving.limits.inflight_bytes / shard_count_;
  if (reserved_ > 0 && reserved_ + bytes > share) return NoRoom::for_anyone;
  if (user != 0) {
    const auto user_share = static_cast<std::uint64_t>(static_cast<double>(share) * serving.user_share);
    auto& its = reserved_by_user_[user];
    if (its > 0 && its + bytes > user_share) return NoRoom::for_user;
    its += bytes;
  }
  reserved_ += bytes;
  probe_.request_bytes.set(reserved_);
  return Reservation(*this, user, bytes);
}

ConnectionSet::Reservation::~Reservation() {
  if (!set_) return;
  set_->reserved_ -= bytes_;
  set_->probe_.request_bytes.set(set_->reserved_);
  if (user_ == 0) return;
  const auto its = set_->reserved_by_user_.find(user_);
  if ((its->second -= bytes_) == 0) set_->reserved_by_user_.erase(its);
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

asio::awaitable<void> serve_connection(Stream stream, ConnectionSet& set, Api& api, Side side) {
  ConnectionSet::Registration registration(set, stream);
  beast::error_code ignored;
  stream.socket().set_option(asio::ip::tcp::no_delay(true), ignored);
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
  if (api.serving.get()->tls) co_return;  // a handshake would be more work than the answer is worth
  stream.expires_after(std::chrono::seconds(1));
  co_await send(stream, overload_reply(503, "Too many connections"), false);
}

}  // namespace holdfast::http
