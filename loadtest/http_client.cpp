#include "http_client.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http.hpp>

#include "scenario.hpp"

namespace loadtest {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;

constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);
constexpr std::uint64_t kMostBodyBytes = 256u << 20;

}  // namespace

Address parse_url(const std::string& url) {
  const std::string scheme = "http://";
  const auto rest = url.starts_with(scheme) ? url.substr(scheme.size()) : std::string();
  const auto colon = rest.rfind(':');
  const Address address{rest.substr(0, colon), colon == std::string::npos ? "80" : rest.substr(colon + 1)};
  if (address.host.empty() || address.port.empty() ||
      address.port.find_first_not_of("0123456789") != std::string::npos) {
    throw BadInput("--url: " + url + " is not http://HOST:PORT");
  }
  return address;
}

std::string make_request(std::string_view method, std::string_view path, std::string_view body) {
  std::string request;
  request.reserve(path.size() + body.size() + 128);
  request.append(method).append(" ").append(path).append(" HTTP/1.1\r\nHost: loadtest\r\n");
  if (method != "GET") {
    request.append("Content-Type: application/json\r\nContent-Length: ").append(std::to_string(body.size()));
    request.append("\r\n");
  }
  return request.append("\r\n").append(body);
}

HttpConnection::HttpConnection(asio::io_context& context, const Address& address) : socket_(context) {
  asio::ip::tcp::resolver resolver(context);
  endpoint_ = resolver.resolve(address.host, address.port).begin()->endpoint();
}

asio::awaitable<Response> HttpConnection::exchange(std::string_view request) {
  Response response;
  const bool done = co_await send_and_read(request, response);
  if (!done) {
    boost::system::error_code ignored;
    socket_.close(ignored);
    buffer_.clear();
    response = {};
  }
  co_return response;
}

asio::awaitable<bool> HttpConnection::send_and_read(std::string_view request, Response& response) {
  if (!socket_.is_open()) {
    const auto [refused] = co_await socket_.async_connect(endpoint_, kTuple);
    if (refused) co_return false;
    boost::system::error_code ignored;
    socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
  }
  const auto to_send = asio::buffer(request);
  const auto [unsent, sent] = co_await asio::async_write(socket_, to_send, kTuple);
  if (unsent) co_return false;
  http::response_parser<http::string_body> parser;
  parser.body_limit(kMostBodyBytes);
  const auto [unread, read] = co_await http::async_read(socket_, buffer_, parser, kTuple);
  if (unread) co_return false;
  auto& message = parser.get();
  response.status = message.result_int();
  response.body = std::move(message.body());
  co_return message.keep_alive();
}

Response fetch(const Address& address, std::string_view method, std::string_view path,
               std::string_view body) {
  asio::io_context context(1);
  HttpConnection connection(context, address);
  const auto request = make_request(method, path, body);
  Response response;
  asio::co_spawn(context, connection.exchange(request),
                 [&](const std::exception_ptr& error, Response answer) {
                   if (error) std::rethrow_exception(error);
                   response = std::move(answer);
                 });
  context.run();
  return response;
}

nlohmann::json call(const Address& address, std::string_view path, const nlohmann::json& body) {
  const auto answer = fetch(address, "POST", path, body.dump());
  if (answer.status / 100 != 2) {
    throw std::runtime_error("POST " + std::string(path) + " was answered " + std::to_string(answer.status) +
                             ": " + answer.body.substr(0, 200));
  }
  return nlohmann::json::parse(answer.body).at("data");
}

}  // namespace loadtest
