// What a client has sent and nobody has taken yet, and how long it may take to send more. On the connection's
// shard; S is the socket itself or a TLS stream over it.
#pragma once

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/stream_traits.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "connection_set.hpp"
#include "holdfast/base/clock.hpp"
#include "holdfast/http/options.hpp"

namespace holdfast::http {

inline constexpr auto kAwait = boost::asio::as_tuple(boost::asio::use_awaitable);

template <class S>
Stream& socket_of(S& stream) {
  return boost::beast::get_lowest_layer(stream);
}

enum class Read { done, closed, timed_out, too_large };

// Ends a read that takes too long and leaves the stream open (the stream's own timer would close it), so that
// the client can be told. One wait serves many reads: it is made anew when it ends before the deadline.
class ReadDeadline {
 public:
  explicit ReadDeadline(Stream& stream)
      : state_(std::make_shared<State>(stream, boost::asio::steady_timer(stream.get_executor()))) {}
  ~ReadDeadline() {
    stop();
    state_->timer.cancel();
  }
  ReadDeadline(const ReadDeadline&) = delete;
  ReadDeadline& operator=(const ReadDeadline&) = delete;

  void start(std::chrono::milliseconds time) {
    state_->passed = false;
    state_->deadline = SteadyTime::clock::now() + time;
    state_->stream.expires_never();
    if (!state_->waiting || state_->deadline < state_->timer.expiry()) wait(state_);
  }
  void stop() { state_->deadline = kNever; }
  bool passed() const { return state_->passed; }

 private:
  static constexpr auto kNever = SteadyTime::max();
  struct State {
    State(Stream& its_stream, boost::asio::steady_timer its_timer)
        : stream(its_stream), timer(std::move(its_timer)) {}
    Stream& stream;
    boost::asio::steady_timer timer;
    SteadyTime deadline = kNever;
    bool waiting = false;
    bool passed = false;
  };
  static void wait(const std::shared_ptr<State>& state) {
    state->waiting = true;
    state->timer.expires_at(state->deadline);
    state->timer.async_wait([state](const boost::beast::error_code& cancelled) {
      if (cancelled) return;  // by another wait, or by the end
      state->waiting = false;
      if (state->deadline == kNever) return;
      if (SteadyTime::clock::now() < state->deadline) return wait(state);
      state->passed = true;
      state->stream.cancel();
    });
  }
  std::shared_ptr<State> state_;  // a timer that has fired outlives us
};

template <class S>
class Incoming {
 public:
  explicit Incoming(S& stream) : stream_(stream), deadline_(socket_of(stream)) {}

  // The next header block, through its empty line; valid until the next call. The request before is dropped.
  boost::asio::awaitable<Read> header(const Limits& limits, std::chrono::milliseconds first_byte) {
    bytes_.consume(taken_);
    taken_ = header_bytes_ = 0;
    bool begun = false;
    for (std::size_t searched = 0;;) {
      const auto text = waiting();
      if (const auto end = text.find("\r\n\r\n", searched < 3 ? 0 : searched - 3); end != text.npos) {
        deadline_.stop();
        header_bytes_ = taken_ = end + 4;
        co_return header_bytes_ > limits.header_bytes ? Read::too_large : Read::done;
      }
      if (text.size() > limits.header_bytes) {
        deadline_.stop();
        co_return Read::too_large;
      }
      searched = text.size();
      if (!begun) deadline_.start(text.empty() ? first_byte : limits.header_timeout);
      begun = !text.empty();
      const auto [error, got] = co_await read_some(bytes_.prepare(kReadBytes));
      bytes_.commit(got);
      if (error || deadline_.passed()) co_return ended(begun);
    }
  }
  std::string_view header_block() const { return waiting().substr(0, header_bytes_); }

  // As many bytes of what follows the header, into `to` or nowhere. The header stays valid.
  boost::asio::awaitable<Read> body(std::uint64_t length, std::string* to, std::chrono::milliseconds time) {
    const auto here = waiting().substr(taken_, length);
    if (to) to->append(here);
    taken_ += here.size();
    auto left = length - here.size();
    if (left == 0) co_return Read::done;
    deadline_.start(time);
    std::string scratch;
    while (left > 0) {
      const auto step = static_cast<std::size_t>(std::min<std::uint64_t>(left, kBodyStep));
      auto& into = to ? *to : scratch;
      const auto begin = to ? to->size() : 0;
      into.resize(begin + step);
      const auto [error, got] = co_await read_some(boost::asio::buffer(into.data() + begin, step));
      into.resize(begin + got);
      if (error || deadline_.passed()) co_return ended(true);
      left -= got;
    }
    deadline_.stop();
    co_return Read::done;
  }

 private:
  static constexpr std::size_t kReadBytes = 4u << 10;  // kept by each connection; most requests fit
  static constexpr std::size_t kBodyStep = 64u << 10;  // a body takes memory as it arrives

  // Deadlines are ours, so a plain socket is read without the stream's own.
  auto read_some(boost::asio::mutable_buffer buffer) {
    if constexpr (std::is_same_v<S, Stream>) {
      return stream_.socket().async_read_some(buffer, kAwait);
    } else {
      return stream_.async_read_some(buffer, kAwait);
    }
  }
  // A client that was idle is owed no answer.
  Read ended(bool begun) const { return deadline_.passed() && begun ? Read::timed_out : Read::closed; }
  std::string_view waiting() const {
    return {static_cast<const char*>(bytes_.data().data()), bytes_.data().size()};
  }

  S& stream_;
  ReadDeadline deadline_;
  boost::beast::flat_buffer bytes_;
  std::size_t header_bytes_ = 0;
  std::size_t taken_ = 0;  // the header and what was read of the body
};

}  // namespace holdfast::http
