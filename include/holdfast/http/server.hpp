// Accepts connections and answers requests on them. A connection is spread to a shard and stays there; it is one
// coroutine (src/http/connection.cpp). What answers is the route table (routes.hpp).
//
// Start: listen() on the owner's thread, then start(). Stop: stop_accepting(), then drain(): idle connections are
// closed, the others after the reply they are working on.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <atomic>
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

class Server {
 public:
  // Everything referenced must outlive the server.
  Server(const Options& options, runtime::ShardSet& shards, Api& api, metrics::Probes& probes);
  ~Server();

  Result<void> listen();  // permanent, with address and reason
  std::uint16_t port() const;
  void start();

  boost::asio::awaitable<void> stop_accepting();
  // Returns when every connection is closed, or at the deadline. Answer: connections still open.
  boost::asio::awaitable<std::size_t> drain(SteadyTime deadline);

 private:
  boost::asio::awaitable<void> accept_loop();

  const Options options_;
  runtime::ShardSet& shards_;
  Api& api_;
  metrics::Probes& probes_;
  boost::asio::ip::tcp::acceptor acceptor_;               // on shard 0
  std::vector<std::unique_ptr<ConnectionSet>> connections_;  // one a shard
  std::atomic<std::size_t> open_connections_{0};
};

}  // namespace holdfast::http
