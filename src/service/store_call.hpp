// A blocking store call as a request's outcome.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <optional>
#include <utility>

#include "holdfast/engine/failure.hpp"
#include "holdfast/engine/parts.hpp"

namespace holdfast::service {

// call returns Result<T> and owns what it uses. Without at_most it may take the store's timeout. Failure:
// unavailable or overloaded.
template <class Call>
boost::asio::awaitable<engine::Outcome<typename std::invoke_result_t<Call>::value_type>> ask_store(
    const engine::Parts& parts, Call call, std::optional<std::chrono::milliseconds> at_most = {}) {
  const auto timeout = at_most.value_or(parts.options->store_timeout);
  auto answer = co_await runtime::call_blocking(parts.store_pool, timeout, std::move(call));
  if (!answer) co_return engine::unavailable(answer.error());
  if constexpr (std::is_void_v<typename std::invoke_result_t<Call>::value_type>) {
    co_return engine::Outcome<void>{};
  } else {
    co_return std::move(*answer);
  }
}

}  // namespace holdfast::service
