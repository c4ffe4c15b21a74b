#include "http_connection.hpp"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <charconv>
#include <utility>

namespace holdfast::embedding {
namespace {

namespace beast = boost::beast;
namespace http = boost::beast::http;
using metrics::EmbeddingFailure;

constexpr auto kNoThrow = asio::as_tuple(asio::use_awaitable);
constexpr std::uint32_t kMostHeaderBytes = 16u << 10;
constexpr std::chrono::seconds kLongestRetryAfter{300};

Failure failure_of(const boost::system::error_code& error) {
  if (error == beast::error::timeout) {
    return {EmbeddingFailure::timeout, "it did not answer in time", std::nullopt};
  }
  if (error == http::error::body_limit) {
    return {EmbeddingFailure::answer, "its answer is larger than any honest one", std::nullopt};
  }
  const bool spoke_otherwise =
      error.category() == http::make_error_code(http::error::bad_method).category() &&
      error != http::error::end_of_stream && error != http::error::partial_message;
  return {spoke_otherwise ? EmbeddingFailure::answer : EmbeddingFailure::connection, error.message(),
          std::nullopt};
}

std::string host_field(const Endpoint& endpoint) {
  const bool brackets = endpoint.host.find(':') != std::string::npos;
  auto field = brackets ? "[" + endpoint.host + "]" : endpoint.host;
  if (endpoint.port != (endpoint.tls ? 443 : 80)) field += ":" + std::to_string(endpoint.port);
  return field;
}

std::optional<std::chrono::seconds> read_retry_after(std::string_view field) {
  long seconds = -1;
  const auto end = field.data() + field.size();
  const auto read = std::from_chars(field.data(), end, seconds);
  if (read.ec != std::errc{} || read.ptr != end || seconds < 0) return std::nullopt;
  return std::min(std::chrono::seconds{seconds}, kLongestRetryAfter);
}

}  // namespace

struct HttpConnection::Request {
  http::request<http::string_body> message;
  std::size_t most_bytes = 0;
};

HttpConnection::Plain& HttpConnection::lowest() {
  if (auto* plain = std::get_if<Plain>(stream_.get())) return *plain;
  return std::get<Secure>(*stream_).next_layer();
}

void HttpConnection::close() {
  closed_ = true;
  resolver_.cancel();
  if (stream_) lowest().close();
}

asio::awaitable<boost::system::error_code> HttpConnection::connect(
    std::chrono::steady_clock::time_point deadline) {
  auto [unresolved, addresses] =
      co_await resolver_.async_resolve(endpoint_.host, std::to_string(endpoint_.port), kNoThrow);
  if (unresolved) co_return unresolved;
  if (tls_) {
    stream_ = std::make_unique<std::variant<Plain, Secure>>(std::in_place_type<Secure>, executor_, *tls_);
  } else {
    stream_ = std::make_unique<std::variant<Plain, Secure>>(std::in_place_type<Plain>, executor_);
  }
  lowest().expires_at(deadline);
  auto [unconnected, address] = co_await lowest().async_connect(addresses, kNoThrow);
  if (unconnected) co_return unconnected;
  boost::system::error_code ignored;
  lowest().socket().set_option(asio::ip::tcp::no_delay(true), ignored);
  if (!tls_) co_return boost::system::error_code{};
  auto& secure = std::get<Secure>(*stream_);
  boost::system::error_code is_name;
  asio::ip::make_address(endpoint_.host, is_name);
  if (is_name)
    SSL_set_tlsext_host_name(secure.native_handle(), endpoint_.host.c_str());  // RFC 6066: no addresses
  secure.set_verify_callback(asio::ssl::host_name_verification(endpoint_.host));
  auto [refused] = co_await secure.async_handshake(asio::ssl::stream_base::client, kNoThrow);
  co_return refused;
}

// stale: the connection was closed before a byte of the answer came.
template <class Stream>
asio::awaitable<boost::system::result<HttpAnswer, Failure>> HttpConnection::exchange(Stream& stream,
                                                                                     const Request& request,
                                                                                     bool& stale) {
  auto [unsent, sent] = co_await http::async_write(stream, request.message, kNoThrow);
  if (unsent) {
    stale = unsent != beast::error::timeout;
    co_return failure_of(unsent);
  }
  beast::flat_buffer buffer;
  http::response_parser<http::string_body> parser;
  parser.header_limit(kMostHeaderBytes);
  parser.body_limit(request.most_bytes);
  auto [unread, read] = co_await http::async_read(stream, buffer, parser, kNoThrow);
  if (unread) {
    stale = !parser.got_some() && unread != beast::error::timeout;
    co_return failure_of(unread);
  }
  HttpAnswer answer;
  answer.status = parser.get().result_int();
  const auto retry_after = parser.get()[http::field::retry_after];
  answer.retry_after = read_retry_after({retry_after.data(), retry_after.size()});
  if (!parser.keep_alive()) lowest().close();
  answer.body = std::move(parser.get().body());
  co_return answer;
}

asio::awaitable<boost::system::result<HttpAnswer, Failure>> HttpConnection::post(
    std::string_view target, std::string_view api_key, std::string body, std::size_t most_bytes,
    std::chrono::milliseconds timeout) {
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  Request request;
  request.most_bytes = most_bytes;
  request.message = {http::verb::post, target, 11};
  request.message.set(http::field::host, host_field(endpoint_));
  request.message.set(http::field::content_type, "application/json");
  request.message.set(http::field::accept, "application/json");
  request.message.set(http::field::user_agent, "holdfast");
  if (!api_key.empty()) request.message.set(http::field::authorization, "Bearer " + std::string(api_key));
  request.message.body() = std::move(body);
  request.message.prepare_payload();
  while (!closed_) {
    const bool kept = stream_ && lowest().socket().is_open();
    if (!kept) {
      const auto failed = co_await connect(deadline);
      if (failed) {
        stream_.reset();
        co_return failure_of(failed);
      }
    }
    lowest().expires_at(deadline);
    bool stale = false;
    boost::system::result<HttpAnswer, Failure> answer = Failure{};
    if (tls_) {
      answer = co_await exchange(std::get<Secure>(*stream_), request, stale);
    } else {
      answer = co_await exchange(std::get<Plain>(*stream_), request, stale);
    }
    if (answer) co_return answer;
    stream_.reset();
    if (!kept || !stale) co_return answer;
  }
  co_return Failure{EmbeddingFailure::connection, "the connection was closed on our side", std::nullopt};
}

}  // namespace holdfast::embedding
