#include "server_connection.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/beast/http.hpp>
#include <charconv>
#include <utility>

namespace holdfast::transfer {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;

constexpr auto kNoThrow = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t kMostAnswerBytes = 16u << 20;
constexpr unsigned kLongestRetryAfter = 60;

std::chrono::seconds read_retry_after(std::string_view field) {
  unsigned seconds = 0;
  const auto read = std::from_chars(field.data(), field.data() + field.size(), seconds);
  if (read.ec != std::errc{} || seconds > kLongestRetryAfter) return std::chrono::seconds{1};
  return std::chrono::seconds{seconds};
}

}  // namespace

Result<ServerAnswer> ServerConnection::exchange(std::string_view target, std::string body) {
  context_.restart();
  auto answer = asio::co_spawn(context_, run(target, std::move(body)), asio::use_future);
  context_.run();
  return answer.get();
}

asio::awaitable<Result<ServerAnswer>> ServerConnection::run(std::string_view target, std::string body) {
  const auto deadline = std::chrono::steady_clock::now() + server_.timeout;
  const auto failed = [this](const boost::system::error_code& error) {
    stream_.close();
    return retryable(server_.host + ":" + std::to_string(server_.port) + ": " + error.message());
  };
  if (!stream_.socket().is_open()) {
    buffer_.clear();
    asio::ip::tcp::resolver resolver(context_);
    auto [unresolved, addresses] =
        co_await resolver.async_resolve(server_.host, std::to_string(server_.port), kNoThrow);
    if (unresolved) co_return failed(unresolved);
    stream_.expires_at(deadline);
    auto [unconnected, address] = co_await stream_.async_connect(addresses, kNoThrow);
    if (unconnected) co_return failed(unconnected);
  }
  stream_.expires_at(deadline);
  http::request<http::string_body> request(body.empty() ? http::verb::get : http::verb::post, target, 11);
  request.set(http::field::host, server_.host);
  request.set(http::field::user_agent, "holdfast");
  if (!body.empty()) request.set(http::field::content_type, "application/json");
  if (!server_.api_key.empty()) request.set(http::field::authorization, "Bearer " + server_.api_key);
  request.body() = std::move(body);
  request.prepare_payload();
  auto [unsent, sent] = co_await http::async_write(stream_, request, kNoThrow);
  if (unsent) co_return failed(unsent);
  http::response_parser<http::string_body> parser;
  parser.body_limit(kMostAnswerBytes);
  auto [unread, read] = co_await http::async_read(stream_, buffer_, parser, kNoThrow);
  if (unread) co_return failed(unread);
  ServerAnswer answer;
  answer.status = parser.get().result_int();
  const auto retry_after = parser.get()[http::field::retry_after];
  answer.retry_after = read_retry_after({retry_after.data(), retry_after.size()});
  if (!parser.keep_alive()) stream_.close();
  answer.body = std::move(parser.get().body());
  co_return answer;
}

}  // namespace holdfast::transfer
