#include "holdfast/query/speculation.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <utility>

#include "cached_answer.hpp"
#include "holdfast/query/query_path.hpp"
#include "search.hpp"

namespace holdfast::query {
namespace {

// Idle: so long no message came and nobody asked.
constexpr std::chrono::milliseconds kIdle{50};
// A longer text is no question's like.
constexpr std::size_t kMostBytes = 2048;

std::uint64_t requests_served(const metrics::ShardProbe& probe) {
  auto sum = probe.messages.value();
  for (std::size_t i = 0; i < probe.cache.size(); ++i) {
    sum += probe.cache[static_cast<metrics::CacheOutcome>(i)].value();
  }
  return sum;
}

// Who never asks gets nothing searched. What is searched ahead leaves three quarters of the epoch's terms to
// what is asked: a full epoch ends, and with it the user's cached answers.
bool worth_predicting(UserShard& shard, const std::string& user_id) {
  const auto* user = shard.table.find_user(user_id);
  return user && user->asks && user->backlog_bytes == 0 &&
         user->epoch.terms() < cache::Epoch::kMostTerms / 4 &&
         shard.parts.pressure.level() == memory::Level::normal;
}

asio::awaitable<void> search_ahead(UserShard& shard, Query query) {
  const auto epoch = shard.table.find_user(query.user_id)->epoch.number();
  if (shard.speculations.find(query, epoch, shard.parts.clock.steady_now())) co_return;
  const auto made = co_await prepare(shard, query);
  if (!made || made->degraded || !worth_predicting(shard, query.user_id)) co_return;
  cache::QueryWords words;
  auto prepared = made->query;
  const auto answer =
      co_await search_and_keep(shard, shard.speculations, query, std::move(prepared), std::move(words));
  if (!answer.partial) shard.probe.predicted_queries.add();
}

}  // namespace

std::vector<std::string> predicted_queries(std::span<const std::string> last) {
  std::vector<std::string> texts(last.begin(), last.end());
  if (last.size() < 2) return texts;
  std::string together;
  for (const auto& text : last) together += text + "\n";
  texts.push_back(std::move(together));
  return texts;
}

asio::awaitable<void> predict_and_search(UserShard& shard, std::string session_id) {
  const auto options = shard.parts.options;
  if (!options->speculation.enabled || options->mode != engine::Mode::buffer) co_return;
  const auto opened = co_await shard.table.open_session(session_id);
  if (!opened) co_return;
  Query query;
  query.user_id = (*opened)->session.user_id;
  query.top_k = static_cast<std::int64_t>(options->cache.results_per_entry);
  if (!shard.speculations.caches(query) || !worth_predicting(shard, query.user_id)) co_return;
  Listing latest;
  latest.what.session_id = std::move(session_id);
  latest.what.order = store::Order::descending;
  latest.what.limit = options->speculation.context_window;
  const auto messages = co_await list_messages(shard, std::move(latest));
  if (!messages || messages->empty()) co_return;
  std::vector<std::string> last;
  for (const auto& message : *messages) last.push_back(message.content);
  for (auto& text : predicted_queries(last)) {
    if (text.size() > kMostBytes || !worth_predicting(shard, query.user_id)) continue;
    query.text = std::move(text);
    co_await search_ahead(shard, query);
  }
}

asio::awaitable<void> speculate_when_idle(UserShard& shard) {
  auto& queue = shard.predictions;
  asio::steady_timer pause(shard.executor);
  while (!queue.closed()) {
    if (queue.empty()) {
      co_await queue.changed.async_wait(asio::as_tuple(asio::use_awaitable));
      continue;
    }
    const auto served = requests_served(shard.probe);
    pause.expires_after(kIdle);
    co_await pause.async_wait(asio::as_tuple(asio::use_awaitable));
    if (requests_served(shard.probe) != served || queue.closed()) continue;
    auto session_id = queue.pop();
    co_await predict_and_search(shard, std::move(session_id));
  }
}

}  // namespace holdfast::query
