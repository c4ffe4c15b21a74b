#include "access.hpp"

#include <string>

#include "holdfast/http/codec/render.hpp"
#include "route_functions.hpp"

namespace holdfast::http {
namespace {

Reply refusal(unsigned status, std::string_view message) {
  Reply reply{status, codec::render_error(status, message, {}), "application/json", {}};
  if (status == 401) reply.headers.emplace_back("WWW-Authenticate", "Bearer");
  return reply;
}

std::string_view key_of(const RequestHeader& header) {
  constexpr std::string_view kBearer = "bearer ";
  const auto& text = header.authorization;
  if (text.size() <= kBearer.size()) return header.api_key;
  for (std::size_t i = 0; i < kBearer.size(); ++i) {
    if ((text[i] | 0x20) != (kBearer[i] | 0x20)) return header.api_key;
  }
  return text.substr(kBearer.size());
}

}  // namespace

asio::awaitable<std::optional<Reply>> refuse_access(Api& api, const Route& route, const RequestHeader& header,
                                                    Request& request) {
  const auto* keys = request.serving->keys.get();
  const bool without_key = route.access == Access::open || route.access == Access::page;
  if (!keys || without_key) co_return std::nullopt;
  const auto key = key_of(header);
  if (key.empty())
    co_return refusal(401, "An API key is required: Authorization: Bearer KEY, or X-API-Key: KEY");
  const auto* principal = keys->find(key);
  if (!principal) co_return refusal(401, "The API key is not known");
  request.principal = principal;
  const auto not_found = [&](engine::Entity entity) {
    return failure_reply(engine::not_found(entity, request.path_arguments[0]), request);
  };
  switch (route.access) {
    case Access::admin:
      if (!principal->admin) co_return refusal(403, "This needs an admin key");
      break;
    case Access::unscoped:
      if (principal->scoped()) co_return refusal(403, "This key is limited to some users");
      break;
    case Access::user:
      if (!principal->may_see(request.path_arguments[0])) co_return not_found(engine::Entity::user);
      break;
    case Access::session: {
      if (!principal->scoped()) break;
      const auto user = co_await api.memory.session_user(request.path_arguments[0]);
      if (!user) co_return failure_reply(user.error(), request);
      if (!principal->may_see(*user)) co_return not_found(engine::Entity::session);
      break;
    }
    case Access::open:
    case Access::page:
    case Access::any:
    case Access::by_route:
      break;
  }
  co_return std::nullopt;
}

}  // namespace holdfast::http
