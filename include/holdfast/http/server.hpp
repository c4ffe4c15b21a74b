// Accepts connections and answers requests on them. A connection is spread to a shard and stays there; it is
// one coroutine (src/http/connection.cpp). What answers is the route table (routes.hpp).
//
// Start: open_listener() early (a busy port must stop the start before anything else is touched), then
// start(). Stop: stop_accepting(), then drain(): idle connections are closed, the others after the reply they
// are working on.
#pragma once

#include <atomic>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <memory>
#include <optional>
#include <vector>

#include "holdfast/base/result.hpp"
#include "holdfast/http/options.hpp"
#include "holdfast/http/routes.hpp"
#include "holdfast/metrics/probes.hpp"
#include "holdfast/runtime/shard_set.hpp"

namespace holdfast::http {

class ConnectionSet;

using Acceptor = boost::asio::basic_socket_acceptor<boost::asio::ip::tcp, runtime::Executor>;

// Binds and listens; connections queue up until the server starts. Errors: permanent, with address and
// reason.
Result<Acceptor> open_listener(const Endpoint& endpoint, boost::asio::io_context& context);

struct Listener {
  Acceptor acceptor;  // on shard 0
  Side side = Side::everything;
};

class Server {
 public:
  // Everything referenced must outlive the server.
  Server(std::vector<Listener> listeners, runtime::ShardSet& shards, Api& api, metrics::Probes& probes);
  ~Server();

  std::uint16_t port(std::size_t listener) const;
  void start();

  boost::asio::awaitable<void> stop_accepting();
  // Returns when every connection is closed, or at the deadline. Answer: connections still open.
  boost::asio::awaitable<std::size_t> drain(SteadyTime deadline);

 private:
  boost::asio::awaitable<void> accept_loop(Listener& listener);

  runtime::ShardSet& shards_;
  Api& api_;
  metrics::Probes& probes_;
  std::vector<Listener> listeners_;
  std::vector<std::unique_ptr<ConnectionSet>> connections_;  // one a shard
  std::atomic<std::size_t> open_connections_{0};
};

}  // namespace holdfast::http
