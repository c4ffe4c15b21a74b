#include "holdfast/http/server.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <exception>
#include <utility>

#include "connection.hpp"
#include "holdfast/base/log.hpp"
#include "holdfast/service/memory_service.hpp"

namespace holdfast::http {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

asio::awaitable<void> close_idle(ConnectionSet& set) {
  set.close_idle();
  co_return;
}

asio::awaitable<void> close_acceptor(Acceptor& acceptor) {
  boost::system::error_code ignored;
  acceptor.close(ignored);
  co_return;
}

void log_problem(const std::exception_ptr& problem, const char* where) {
  if (!problem) return;
  try {
    std::rethrow_exception(problem);
  } catch (const std::exception& bug) {
    log::error("{} ended in an exception: {}", where, bug.what());
  }
}

}  // namespace

Result<Acceptor> open_listener(const Endpoint& at, asio::io_context& context) {
  const auto host = at.host == "localhost" ? std::string("127.0.0.1") : at.host;
  Acceptor acceptor(context);
  boost::system::error_code error;
  const auto address = asio::ip::make_address(host, error);
  const tcp::endpoint endpoint{address, at.port};
  if (!error) acceptor.open(endpoint.protocol(), error);
  if (!error) acceptor.set_option(asio::socket_base::reuse_address(true), error);
  if (!error) acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (error) {
    return permanent("cannot listen on " + host + ":" + std::to_string(at.port) + ": " + error.message());
  }
  return acceptor;
}

Server::Server(std::vector<Listener> listeners, runtime::ShardSet& shards, Api& api, metrics::Probes& probes)
    : shards_(shards), api_(api), probes_(probes), listeners_(std::move(listeners)) {
  for (unsigned i = 0; i < shards.size(); ++i) {
    connections_.push_back(
        std::make_unique<ConnectionSet>(shards.executor(i), *probes.shards[i], shards.size(),
                                        api.serving.get()->limits.pool_bytes, api.memory.parts().pressure));
  }
}

Server::~Server() = default;

std::uint16_t Server::port(std::size_t listener) const {
  boost::system::error_code ignored;
  return listeners_[listener].acceptor.local_endpoint(ignored).port();
}

void Server::start() {
  for (auto& listener : listeners_) {
    asio::co_spawn(shards_.executor(0), accept_loop(listener),
                   [](const std::exception_ptr& problem) { log_problem(problem, "accepting connections"); });
  }
}

asio::awaitable<void> Server::accept_loop(Listener& listener) {
  auto& acceptor = listener.acceptor;
  for (unsigned next = 0; acceptor.is_open(); next = (next + 1) % shards_.size()) {
    auto [error, socket] =
        co_await acceptor.async_accept(shards_.context(next), asio::as_tuple(asio::use_awaitable));
    if (!acceptor.is_open()) break;
    if (error) {
      log::warn("accepting a connection failed: {}", error.message());
      asio::steady_timer pause(acceptor.get_executor(), std::chrono::milliseconds(50));
      co_await pause.async_wait(asio::as_tuple(asio::use_awaitable));
      continue;
    }
    const auto executor = shards_.executor(next);
    Stream stream(std::move(socket));
    if (open_connections_.load(std::memory_order_relaxed) >= api_.serving.get()->limits.connections) {
      asio::co_spawn(executor, turn_away(std::move(stream), api_, *probes_.shards[next]),
                     [](const std::exception_ptr& problem) { log_problem(problem, "a connection"); });
      continue;
    }
    open_connections_.fetch_add(1, std::memory_order_relaxed);
    asio::co_spawn(executor, serve_connection(std::move(stream), *connections_[next], api_, listener.side),
                   [this](const std::exception_ptr& problem) {
                     open_connections_.fetch_sub(1, std::memory_order_relaxed);
                     log_problem(problem, "a connection");
                   });
  }
}

asio::awaitable<void> Server::stop_accepting() {
  for (auto& listener : listeners_) {
    co_await runtime::hop(shards_.executor(0), close_acceptor(listener.acceptor));
  }
}

asio::awaitable<std::size_t> Server::drain(SteadyTime deadline) {
  std::size_t open = 0;
  for (unsigned i = 0; i < shards_.size(); ++i) {
    co_await runtime::hop(shards_.executor(i), close_idle(*connections_[i]));
    open += co_await runtime::hop(shards_.executor(i), connections_[i]->wait_until_empty(deadline));
  }
  co_return open;
}

}  // namespace holdfast::http
