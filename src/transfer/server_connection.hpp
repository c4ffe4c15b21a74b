// One kept-alive HTTP/1.1 connection to a daemon; blocking.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "holdfast/base/result.hpp"
#include "holdfast/transfer/targets.hpp"

namespace holdfast::transfer {

struct ServerAnswer {
  unsigned status = 0;
  std::string body;
  std::chrono::seconds retry_after{1};  // where it says so, else a second
};

class ServerConnection {
 public:
  // server must outlive this.
  explicit ServerConnection(const Server& server) : server_(server), stream_(context_) {}

  // An empty body makes a GET, another one a POST. Connects where it is not connected. Errors (retryable): no
  // answer within the time-out, or none at all; whether the request was served is not known then.
  Result<ServerAnswer> exchange(std::string_view target, std::string body);

 private:
  boost::asio::awaitable<Result<ServerAnswer>> run(std::string_view target, std::string body);

  const Server& server_;
  boost::asio::io_context context_{1};
  boost::beast::tcp_stream stream_;
  boost::beast::flat_buffer buffer_;
};

}  // namespace holdfast::transfer
