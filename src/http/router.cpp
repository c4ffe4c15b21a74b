#include "holdfast/http/routes.hpp"

#include <optional>

namespace holdfast::http {
namespace {

// What the {} segments of the pattern stand for in path; nothing when it does not match.
std::optional<std::vector<std::string>> match(std::string_view pattern, std::string_view path) {
  std::vector<std::string> arguments;
  while (!pattern.empty() && !path.empty()) {
    const auto pattern_end = pattern.find('/', 1);
    const auto path_end = path.find('/', 1);
    const auto expected = pattern.substr(0, pattern_end);
    const auto actual = path.substr(0, path_end);
    if (expected == "/{}") {
      if (actual.size() < 2) return std::nullopt;
      arguments.emplace_back(actual.substr(1));
    } else if (expected != actual) {
      return std::nullopt;
    }
    pattern = pattern_end == std::string_view::npos ? std::string_view{} : pattern.substr(pattern_end);
    path = path_end == std::string_view::npos ? std::string_view{} : path.substr(path_end);
  }
  if (!pattern.empty() || !path.empty()) return std::nullopt;
  return arguments;
}

}  // namespace

std::string_view to_string(Method method) {
  switch (method) {
    case Method::get:
      return "GET";
    case Method::post:
      return "POST";
    case Method::put:
      return "PUT";
    case Method::erase:
      return "DELETE";
    case Method::other:
      break;
  }
  return "?";
}

namespace {

bool serves(Side side, Access access) {
  if (access == Access::open || side == Side::everything) return true;
  const bool admin = access == Access::admin || access == Access::page;
  return admin == (side == Side::admin_only);
}

}  // namespace

Match find_route(Method method, std::string_view path, Side side) {
  Match found;
  for (const auto& route : route_table()) {
    auto arguments = match(route.pattern, path);
    if (!arguments || !serves(side, route.access)) continue;
    if (route.method == method) return {&route, std::move(*arguments), {}};
    if (!found.allowed.empty()) found.allowed += ", ";
    found.allowed += to_string(route.method);
  }
  return found;
}

}  // namespace holdfast::http
