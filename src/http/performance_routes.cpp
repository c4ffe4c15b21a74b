#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <optional>

#include "holdfast/http/codec/render.hpp"
#include "holdfast/http/status.hpp"
#include "route_functions.hpp"

namespace holdfast::http {
namespace {

using SteadyClock = std::chrono::steady_clock;

// A profile does not hold up the stop of the daemon longer than this.
constexpr std::chrono::milliseconds kStopAskedEvery{100};

// The most memory until then.
asio::awaitable<MemoryUse> watch_until(SteadyClock::time_point end, const Status& status) {
  asio::steady_timer timer(co_await asio::this_coro::executor);
  auto peaks = status.memory_now();
  while (SteadyClock::now() < end && status.phase() != Phase::stopping) {
    timer.expires_at(std::min(end, SteadyClock::now() + kStopAskedEvery));
    co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));
    const auto now = status.memory_now();
    peaks.accounted_bytes = std::max(peaks.accounted_bytes, now.accounted_bytes);
    peaks.resident_bytes = std::max(peaks.resident_bytes, now.resident_bytes);
  }
  co_return peaks;
}

}  // namespace

asio::awaitable<Reply> profile_buffer(Api& api, Request request) {
  const auto duration = codec::parse_profile(request.body);
  if (!duration) co_return body_error_reply(duration.error());
  const auto only_one = api.status.begin_profile();
  if (!only_one) {
    co_return Reply{
        409, codec::render_error(409, "A profile is being taken already", {}), "application/json", {}};
  }
  const auto began = api.status.moment();
  const auto peaks = co_await watch_until(SteadyClock::now() + *duration, api.status);
  co_return success(200, "Profile taken", api.status.profile(began, peaks));
}

asio::awaitable<Reply> metrics_history(Api& api, Request request) {
  const auto window = codec::parse_window(request.parameters);
  if (!window) co_return parameter_error_reply(window.error());
  const metrics::HistoryMetric* metric = nullptr;
  if (const auto* name = codec::find_parameter(request.parameters, "metric")) {
    std::string known;
    for (const auto& one : metrics::history_metrics()) {
      if (one.name == *name) metric = &one;
      known += (known.empty() ? "" : ", ") + std::string(one.name);
    }
    if (!metric) co_return parameter_error_reply({"metric", "metric must be one of " + known});
  }
  co_return success(200, "Metrics history retrieved successfully", api.status.history(*window, metric));
}

}  // namespace holdfast::http
