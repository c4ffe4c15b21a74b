// One client connection: a coroutine on its shard, read top to bottom in connection.cpp.
#pragma once

#include <boost/asio/awaitable.hpp>

#include "connection_set.hpp"
#include "holdfast/http/routes.hpp"

namespace holdfast::http {

// Serves requests until the client or the server ends it; with TLS where serving says so. Never throws.
boost::asio::awaitable<void> serve_connection(Stream stream, ConnectionSet& set, Api& api, Side side);

// Answers 503 and closes: for a connection over the limit.
boost::asio::awaitable<void> turn_away(Stream stream, Api& api, metrics::ShardProbe& probe);

}  // namespace holdfast::http
