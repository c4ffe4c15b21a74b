// The table of routes: method and path to the function that answers. Add a route by adding a line to the
// table in src/http/routes.cpp.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "holdfast/base/result.hpp"
#include "holdfast/http/exchange.hpp"
#include "holdfast/http/serving.hpp"

namespace holdfast::service {
class MemoryService;
}

namespace holdfast::http {

class Status;  // status.hpp: health, statistics, metrics

// What a reload of the configuration came to: keys by path.
struct ReloadAnswer {
  std::vector<std::string> changed;
  std::vector<std::string> needs_restart;  // changed in the sources; the values of the start still hold
};

// Reads the configuration again. Blocking; any thread but a shard's. Error (permanent): why it is refused as
// a whole.
class ConfigReload {
 public:
  virtual ~ConfigReload() = default;
  virtual Result<ReloadAnswer> reload() = 0;
};

// What the routes work with. All parts outlive every request.
struct Api {
  service::MemoryService& memory;
  Status& status;
  LiveServing& serving;
  ConfigReload& config;
};

// Who may use a route, where keys are asked for.
enum class Access : std::uint8_t {
  open,      // anybody, without a key
  any,       // every key
  user,      // keys that are good for the user in the path
  session,   // keys that are good for the user of the session in the path
  by_route,  // every key; the route itself keeps to the users it is good for
  unscoped,  // keys that are good for all users
  admin,     // admin keys; on the admin listener where there is one
  page,      // anybody, likewise: it holds nothing, its script asks for what it shows with a key
};

enum class BodyLimit : std::uint8_t { ordinary, bulk };

struct Route {
  Method method;
  std::string_view pattern;  // "/api/v1/sessions/{}/messages": {} matches one segment
  boost::asio::awaitable<Reply> (*handle)(Api& api, Request request);
  metrics::Route label;
  Access access;
  BodyLimit limit = BodyLimit::ordinary;
};

std::span<const Route> route_table();

struct Match {
  const Route* route = nullptr;  // none: see allowed
  std::vector<std::string> path_arguments;
  std::string allowed;  // methods that the path does have, for 405; empty: no such path
};
// The routes that a listener serves.
enum class Side : std::uint8_t { everything, without_admin, admin_only };
Match find_route(Method method, std::string_view path, Side side = Side::everything);

}  // namespace holdfast::http
