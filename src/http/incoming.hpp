// What a client has sent and nobody has taken yet, and how long it may take to send more. On the connection's
// shard; S is the socket itself or a TLS stream over it.
#pragma once

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/stream_traits.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "connection_set.hpp"
#include "holdfast/http/options.hpp"

namespace holdfast::http {

inline constexpr auto kAwait = boost::asio::as_tuple(boost::asio::use_awaitable);

template <class S>
Stream& socket_of(S& stream) {
  return boost::beast::get_lowest_layer(stream);
}

enum class Read { done, closed, timed_out, too_large };

// Ends a read that takes too long and leaves the stream open (the stream's own timer would close it), so that
// the client can be told.
class ReadDeadline {
 public:
  explicit ReadDeadline(Stream& stream)
      : state_(std::make_shared<State>(stream, boost::asio::steady_timer(stream.get_executor()))) {}
  ~ReadDeadline() { stop(); }
  ReadDeadline(const ReadDeadline&) = delete;
  ReadDeadline& operator=(const ReadDeadline&) = delete;

  void start(std::chrono::milliseconds time) {
    state_->passed = false;
    state_->stream.expires_never();
    state_->timer.expires_after(time);
    state_->timer.async_wait(
        [state = state_, round = ++state_->round](const boost::beast::error_code& cancelled) {
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
    State(Stream& its_stream, boost::asio::steady_timer its_timer)
        : stream(its_stream), timer(std::move(its_timer)) {}
    Stream& stream;
    boost::asio::steady_timer timer;
    std::uint64_t round = 0;
    bool passed = false;
  };
  std::shared_ptr<State> state_;  // a timer that has fired outlives us
};

template <class S>
class Incoming {
 public:
  explicit Incoming(S& stream) : stream_(stream), deadline_(socket_of(stream)) {}

  // The next header block, through its empty line; valid until the next call.
  boost::asio::awaitable<Read> header(const Limits& limits, std::chrono::milliseconds first_byte) {
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
  boost::asio::awaitable<Read> body(std::uint64_t length, std::string* to, std::chrono::milliseconds time) {
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
          co_await stream_.async_read_some(boost::asio::buffer(into.data() + begin, step), kAwait);
      into.resize(begin + got);
      if (error) co_return deadline_.passed() ? Read::timed_out : Read::closed;
      left -= got;
    }
    deadline_.stop();
    co_return Read::done;
  }

 private:
  static constexpr std::size_t kReadBytes = 4u << 10;  // kept by each connection; most requests fit
  static constexpr std::size_t kBodyStep = 64u << 10;  // a body takes memory as it arrives

  boost::asio::awaitable<Read> more() {
    const auto begin = bytes_.size();
    bytes_.resize(begin + kReadBytes);
    const auto [error, got] =
        co_await stream_.async_read_some(boost::asio::buffer(bytes_.data() + begin, kReadBytes), kAwait);
    bytes_.resize(begin + got);
    if (error) co_return deadline_.passed() ? Read::timed_out : Read::closed;
    co_return Read::done;
  }

  S& stream_;
  ReadDeadline deadline_;
  std::string bytes_;
  std::size_t header_bytes_ = 0;
};

}  // namespace holdfast::http
