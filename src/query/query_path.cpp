#include "holdfast/query/query_path.hpp"

#include <algorithm>
#include <utility>

#include "holdfast/text/features.hpp"
#include "hybrid_search.hpp"

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

// The vector of a query, where a server makes it. False: it did not, in time.
asio::awaitable<bool> embed(UserShard& shard, const Query& query, text::PreparedQuery& prepared) {
  auto* remote = shard.parts.remote;
  const bool wanted = query.source == SourceFilter::all || query.source == SourceFilter::vector;
  if (!remote || !wanted || query.text.find_first_not_of(" \t\r\n") == std::string::npos) co_return true;
  auto vector = co_await remote->embed_query(query.text);
  if (!vector) co_return false;
  prepared.vector = std::move(*vector);
  co_return true;
}

asio::awaitable<Answer> search_everywhere(UserShard& shard, const Query& query, std::size_t limit) {
  auto prepared = text::prepare_query(query.text, shard.parts.embedder);
  const bool embedded = co_await embed(shard, query, prepared);
  auto& user = shard.table.insert_user(query.user_id);
  // Asked before the store is: while it answers, the journal's may come back to the buffers.
  const bool some_in_journal = user.backlog_bytes > 0;
  auto buffered = search_buffers(shard, user, query, prepared);
  store::StoreQuery wanted;
  wanted.user_id = query.user_id;
  wanted.agent_id = query.agent_id;
  wanted.query = prepared;
  wanted.other_sources = buffered.stats;
  wanted.borders = buffered.borders;
  wanted.erased = buffered.erased;
  wanted.source = query.source;
  wanted.include_messages = query.include_messages;
  wanted.include_knowledge = query.include_knowledge;
  wanted.limit = limit + buffered.hidden.size();  // the store may return that many that are hidden
  auto& store = shard.parts.store;
  auto call = [&store, wanted = std::move(wanted)] { return store.search(wanted); };
  auto stored = co_await runtime::call_blocking(shard.parts.store_pool, shard.parts.options->store_timeout,
                                                std::move(call));
  Answer answer;
  answer.partial = !stored || some_in_journal;
  answer.degraded = !embedded;
  auto found = stored ? std::move(*stored) : store::StoreAnswer{{}, buffered.stats, {}};
  const text::Scorer scorer(prepared, found.stats, query.source);
  answer.results = merge_results(std::move(buffered), scorer, std::move(found), limit);
  co_return answer;
}

}  // namespace

asio::awaitable<Outcome<Answer>> answer_query(UserShard& shard, Query query) {
  if (!shard.parts.options->session_queries) query.session_id.reset();
  const auto named = co_await check_names(shard, query);
  if (!named) co_return named.error();
  if (query.top_k <= 0) co_return Answer{};
  const auto top_k = static_cast<std::size_t>(std::min(query.top_k, kMaxResults));
  const bool cached_mode = shard.parts.options->mode == engine::Mode::buffer;
  const auto version = shard.table.insert_user(query.user_id).version;
  if (cached_mode) {
    if (const auto* known = shard.cache.find(query, version, shard.parts.clock.steady_now())) {
      Answer answer{*known, false, true, query.session_id};
      answer.results.resize(std::min(answer.results.size(), top_k));
      co_return answer;
    }
  }
  // A cacheable search asks for as many results as an entry keeps, so that one entry serves every smaller
  // top_k.
  const bool cacheable = cached_mode && top_k <= shard.parts.options->cache.results_per_entry;
  const auto limit = cacheable ? shard.parts.options->cache.results_per_entry : top_k;
  auto answer = co_await search_everywhere(shard, query, limit);
  if (answer.partial) shard.probe.partial_answers.add();
  if (answer.degraded) shard.probe.degraded_answers.add();
  if (cacheable && !answer.partial && !answer.degraded) {
    shard.cache.insert(query, version, shard.parts.clock.steady_now(), answer.results);
  }
  answer.results.resize(std::min(answer.results.size(), top_k));
  answer.session_id = std::move(query.session_id);
  co_return answer;
}

}  // namespace holdfast::query
