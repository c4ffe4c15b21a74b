// A request and its reply as the routes see them: no Beast here, so only the connection is compiled against
// it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "holdfast/http/buffer_pool.hpp"
#include "holdfast/metrics/probes.hpp"

namespace holdfast::http {

struct Serving;    // serving.hpp
struct Principal;  // access_keys.hpp

enum class Method : std::uint8_t { get, post, put, erase, other };
std::string_view to_string(Method method);  // "GET" …, "DELETE" for erase

using Parameters = std::vector<std::pair<std::string, std::string>>;  // decoded, in the order given

struct Request {
  Method method = Method::get;
  std::string path;                         // decoded, without the query and without a trailing slash
  Parameters parameters;                    // of the query
  std::vector<std::string> path_arguments;  // what the route's {…} matched
  std::string idempotency_key;              // header Idempotency-Key, empty when absent
  BufferPool::Lease body;
  std::shared_ptr<const Serving> serving;  // the configuration; never null in a route
  const Principal* principal =
      nullptr;  // whose key it bears, kept alive by serving; null: keys are not asked for
  metrics::ShardProbe* probe = nullptr;  // of the connection's shard; never null in a route
};

struct Reply {
  unsigned status = 200;
  std::string body;
  std::string_view content_type = "application/json";  // a literal
  std::vector<std::pair<std::string_view, std::string>> headers;
};

}  // namespace holdfast::http
