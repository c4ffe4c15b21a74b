// One client connection: a coroutine on its shard, read top to bottom in connection.cpp.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <set>

#include "holdfast/http/routes.hpp"
#include "holdfast/metrics/probes.hpp"
#include "holdfast/runtime/shard_set.hpp"

namespace holdfast::http {

using Stream = boost::beast::basic_stream<boost::asio::ip::tcp, runtime::Executor>;

// The connections of one shard; used on its thread.
class ConnectionSet {
 public:
  ConnectionSet(runtime::Executor executor, metrics::ShardProbe& probe) : emptied_(executor), probe_(probe) {}

  struct Entry {
    Stream* stream;
    bool busy = false;  // a request has been read and its reply not yet written
  };
  // Registers a connection for its lifetime.
  class Registration {
   public:
    Registration(ConnectionSet& set, Stream& stream);
    ~Registration();
    Registration(const Registration&) = delete;
    Registration& operator=(const Registration&) = delete;
    void set_busy(bool busy) { entry_.busy = busy; }

   private:
    ConnectionSet& set_;
    Entry entry_;
  };

  bool closing() const { return closing_; }
  void close_idle();
  boost::asio::awaitable<std::size_t> wait_until_empty(SteadyTime deadline);
  metrics::ShardProbe& probe() { return probe_; }

 private:
  std::set<Entry*> entries_;
  boost::asio::steady_timer emptied_;
  metrics::ShardProbe& probe_;
  bool closing_ = false;
};

// Serves requests until the client or the server ends it. Never throws.
boost::asio::awaitable<void> serve_connection(Stream stream, ConnectionSet& set, Api& api,
                                              const Limits& limits);

// Answers 503 and closes: for a connection over the limit.
boost::asio::awaitable<void> turn_away(Stream stream, metrics::ShardProbe& probe);

}  // namespace holdfast::http
