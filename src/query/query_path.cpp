#include "holdfast/query/query_path.hpp"

#include <algorithm>
#include <utility>

#include "cached_answer.hpp"
#include "search.hpp"

namespace holdfast::query {
namespace {

using engine::Entity;

constexpr std::int64_t kMaxResults = 1000;

// Whether what the query names exists: the user, the session (of this user), the agent.
asio::awaitable<Outcome<void>> check_names(UserShard& shard, const Query& query) {
  const auto user = co_await shard.table.open_user(query.user_id);
  if (!user) co_return user.error();
  if (query.session_id) {
    const auto session = co_await shard.table.open_session(*query.session_id);
    if (!session) co_return session.error();
    if ((*session)->session.user_id != query.user_id)
      co_return engine::not_found(Entity::session, *query.session_id);
  }
  if (query.agent_id) {
    auto& store = shard.parts.store;
    auto call = [&store, id = *query.agent_id] { return store.agent(id); };
    const auto agent =
        co_await runtime::call_blocking(shard.parts.store_pool, shard.parts.options->store_timeout, call);
    if (!agent) co_return engine::unavailable(agent.error());
    if (!*agent) co_return engine::not_found(Entity::agent, *query.agent_id);
  }
  co_return Outcome<void>{};
}

}  // namespace

asio::awaitable<Outcome<Answer>> answer_query(UserShard& shard, Query query) {
  if (!shard.parts.options->session_queries) query.session_id.reset();
  const auto named = co_await check_names(shard, query);
  if (!named) co_return named.error();
  if (query.top_k <= 0) co_return Answer{};
  query.top_k = std::min(query.top_k, kMaxResults);
  const bool cached_mode = shard.parts.options->mode == engine::Mode::buffer;
  auto& user = shard.table.insert_user(query.user_id);
  user.asks = true;
  const bool some_in_journal = user.backlog_bytes > 0;
  Answer answer;
  if (cached_mode && !some_in_journal && shard.cache.caches(query)) {
    auto cached = co_await answer_through_cache(shard, query);
    if (!cached) co_return cached.error();
    answer = std::move(*cached);
  } else {
    if (cached_mode) shard.probe.cache[metrics::CacheOutcome::bypassed].add();
    const auto prepared = co_await prepare(shard, query);
    if (!prepared) co_return prepared.error();
    const auto limit = static_cast<std::size_t>(query.top_k);
    auto searched = co_await search_everywhere(shard, query, prepared->query, limit);
    answer.results = std::move(searched.results);
    answer.partial = searched.partial;
    answer.degraded = prepared->degraded;
  }
  if (answer.partial) shard.probe.partial_answers.add();
  if (answer.degraded) shard.probe.degraded_answers.add();
  answer.results.resize(std::min(answer.results.size(), static_cast<std::size_t>(query.top_k)));
  answer.session_id = std::move(query.session_id);
  co_return answer;
}

}  // namespace holdfast::query
