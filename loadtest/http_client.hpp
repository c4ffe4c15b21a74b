// HTTP/1.1 over one TCP connection, as a client: enough for a load test and no more (no TLS, no redirects).
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace loadtest {

struct Address {
  std::string host;
  std::string port;
};

// "http://HOST[:PORT]", nothing after. Throws BadInput.
Address parse_url(const std::string& url);

// A whole request, ready to be sent. An empty body makes a GET of it, or a POST without content.
std::string make_request(std::string_view method, std::string_view path, std::string_view body);

struct Response {
  unsigned status = 0;  // 0: no answer; the connection failed
  std::string body;
};

// Keeps its connection open between exchanges and opens a new one after a failure. One exchange at a time.
class HttpConnection {
 public:
  // `address` is resolved once, here. Throws boost::system::system_error.
  HttpConnection(boost::asio::io_context& context, const Address& address);
  boost::asio::awaitable<Response> exchange(std::string_view request);

 private:
  boost::asio::awaitable<bool> send_and_read(std::string_view request, Response& response);

  boost::asio::ip::tcp::endpoint endpoint_;
  boost::asio::ip::tcp::socket socket_;
  boost::beast::flat_buffer buffer_;
};

// One blocking exchange on a connection of its own.
Response fetch(const Address& address, std::string_view method, std::string_view path,
               std::string_view body = {});
// The same for the daemon's API: the `data` of its answer. Throws std::runtime_error unless it is a 2xx.
nlohmann::json call(const Address& address, std::string_view path, const nlohmann::json& body);

}  // namespace loadtest
