// Whether the bearer of a key may use a route.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <optional>
#include <string_view>

#include "gate.hpp"
#include "holdfast/http/routes.hpp"

namespace holdfast::http {

// Sets request.principal. A refusal (401, 403, or 404 for what is another user's), or nothing. Decided on the
// header alone; asks the session's owner shard where the key is limited to users.
boost::asio::awaitable<std::optional<Reply>> refuse_access(Api& api, const Route& route,
                                                           const RequestHeader& header, Request& request);

}  // namespace holdfast::http
