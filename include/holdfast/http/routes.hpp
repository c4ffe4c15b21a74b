// The table of routes: method and path to the function that answers. Add a route by adding a line to the
// table in src/http/routes.cpp.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "holdfast/http/exchange.hpp"
#include "holdfast/http/options.hpp"

namespace holdfast::service {
class MemoryService;
}

namespace holdfast::http {

class Status;  // status.hpp: health, statistics, metrics

// In which order the results of a query are shown (the best are chosen by score in any case).
struct ResultOrder {
  bool by_timestamp = false;
  bool descending = true;
};

// What the routes work with. All parts outlive every request.
struct Api {
  service::MemoryService& memory;
  Status& status;
  Limits limits;
  ResultOrder result_order;
};

enum class BodyLimit : std::uint8_t { ordinary, bulk };

struct Route {
  Method method;
  std::string_view pattern;  // "/api/v1/sessions/{}/messages": {} matches one segment
  boost::asio::awaitable<Reply> (*handle)(Api& api, Request request);
  metrics::Route label;
  BodyLimit limit = BodyLimit::ordinary;
};

std::span<const Route> route_table();

struct Match {
  const Route* route = nullptr;  // none: see allowed
  std::vector<std::string> path_arguments;
  std::string allowed;  // methods that the path does have, for 405; empty: no such path
};
Match find_route(Method method, std::string_view path);

}  // namespace holdfast::http
