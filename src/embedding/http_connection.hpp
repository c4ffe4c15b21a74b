// One kept-alive HTTP/1.1 connection to an embedding server, plain or TLS (certificate and name verified
// against the system's authorities; OpenSSL's SSL_CERT_FILE names others).
//
// Used by one coroutine at a time, on the thread of its executor.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/ssl/ssl_stream.hpp>
#include <boost/system/result.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "failure.hpp"
#include "holdfast/embedding/options.hpp"

namespace holdfast::embedding {

namespace asio = boost::asio;

struct HttpAnswer {
  unsigned status = 0;
  std::string body;
  std::optional<std::chrono::seconds> retry_after;  // where it is given in seconds
};

class HttpConnection {
 public:
  // tls: null for plain HTTP; must outlive the connection, as the endpoint must.
  HttpConnection(asio::any_io_executor executor, const Endpoint& endpoint, asio::ssl::context* tls)
      : executor_(std::move(executor)), endpoint_(endpoint), tls_(tls), resolver_(executor_) {}

  // Connects where there is no open connection; tries once more where the server had closed a kept one. The
  // failure is timeout, connection or (an answer larger than most_bytes, or not HTTP) answer. The time-out
  // covers everything but the system's name resolver, which cannot be interrupted.
  asio::awaitable<boost::system::result<HttpAnswer, Failure>> post(std::string_view target,
                                                                   std::string_view api_key, std::string body,
                                                                   std::size_t most_bytes,
                                                                   std::chrono::milliseconds timeout);
  // For good: a post() that is under way, and any later one, fails.
  void close();

 private:
  using Plain = boost::beast::tcp_stream;
  using Secure = boost::beast::ssl_stream<boost::beast::tcp_stream>;
  struct Request;

  asio::awaitable<boost::system::error_code> connect(std::chrono::steady_clock::time_point deadline);
  template <class Stream>
  asio::awaitable<boost::system::result<HttpAnswer, Failure>> exchange(Stream& stream, const Request& request,
                                                                       bool& stale);
  Plain& lowest();

  const asio::any_io_executor executor_;
  const Endpoint& endpoint_;
  asio::ssl::context* const tls_;
  asio::ip::tcp::resolver resolver_;
  std::unique_ptr<std::variant<Plain, Secure>> stream_;  // null: not connected
  bool closed_ = false;
};

}  // namespace holdfast::embedding
