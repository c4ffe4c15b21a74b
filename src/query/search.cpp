#include "search.hpp"

#include <utility>

#include "holdfast/engine/buffered_features.hpp"
#include "holdfast/store/memory_store.hpp"
#include "hybrid_search.hpp"

namespace holdfast::query {

namespace {

using metrics::TimedComponent;

// Much text is made ready elsewhere, so that other requests need not wait for it.
constexpr std::size_t kPreparedHere = 8u << 10;

asio::awaitable<engine::Outcome<std::shared_ptr<text::PreparedQuery>>> terms_and_builtin_vector(
    engine::UserShard& shard, const std::string& text) {
  if (text.size() <= kPreparedHere)
    co_return std::make_shared<text::PreparedQuery>(text::prepare_query(text, shard.parts.embedder));
  auto call = [text, &embedder = shard.parts.embedder]() -> Result<std::shared_ptr<text::PreparedQuery>> {
    return std::make_shared<text::PreparedQuery>(text::prepare_query(text, embedder));
  };
  auto made = co_await runtime::call_blocking(shard.parts.compute, shard.parts.options->store_timeout, call);
  if (!made) co_return engine::unavailable(made.error());
  co_return std::move(*made);
}

asio::awaitable<engine::Outcome<Prepared>> make_prepared(engine::UserShard& shard, const Query& query) {
  auto made = co_await terms_and_builtin_vector(shard, query.text);
  if (!made) co_return made.error();
  auto prepared = std::move(*made);
  auto* remote = shard.parts.remote;
  const bool wanted = query.source == SourceFilter::all || query.source == SourceFilter::vector;
  const bool blank = query.text.find_first_not_of(" \t\r\n") == std::string::npos;
  if (!remote || !wanted || blank) co_return Prepared{std::move(prepared), false};
  if (auto known = shard.embeddings.find(query.text)) {
    prepared->vector = std::move(*known);
    co_return Prepared{std::move(prepared), false};
  }
  auto vector = co_await remote->embed_query(query.text);
  if (!vector) co_return Prepared{std::move(prepared), true};
  shard.embeddings.insert(query.text, *vector);
  prepared->vector = std::move(*vector);
  co_return Prepared{std::move(prepared), false};
}

struct Attempt {
  Searched searched;
  bool overtaken = false;  // another search gave the epoch other statistics meanwhile
};

asio::awaitable<Attempt> search_once(engine::UserShard& shard, const Query& query,
                                     std::shared_ptr<const text::PreparedQuery> prepared, std::size_t limit) {
  const auto& clock = shard.parts.clock;
  const auto began = clock.steady_now();
  const auto for_now = co_await engine::compute_features(shard, query.user_id);
  auto& user = shard.table.insert_user(query.user_id);
  if (user.epoch.full()) shard.table.written(user);
  user.epoch.watch();
  const auto epoch = user.epoch.number();
  // Asked before the store is: while it answers, the journal's may come back to the buffers.
  const bool some_in_journal = user.backlog_bytes > 0;
  auto buffered = search_buffers(shard, user, query, *prepared, for_now);
  auto wanted = store_query(shard, query, *prepared, buffered);
  wanted.other_sources = buffered.stats;
  wanted.frozen = user.epoch.frozen(prepared->terms);
  wanted.limit = limit + buffered.hidden.size();  // the store may return that many that are hidden
  auto of_buffers = buffered.stats;
  wanted.frozen.put_over(of_buffers);
  auto& store = shard.parts.store;
  auto call = [&store, wanted = std::move(wanted)] { return store.search(wanted); };
  auto stored = co_await runtime::call_blocking(shard.parts.store_pool, shard.parts.options->store_timeout,
                                                std::move(call));
  const auto answered = clock.steady_now();
  shard.probe.components.record(TimedComponent::multi_source_query, began, answered);
  Attempt attempt;
  auto& searched = attempt.searched;
  searched.partial = !stored || some_in_journal;
  auto found = stored ? std::move(*stored) : store::StoreAnswer{{}, std::move(of_buffers), {}};
  auto* known = shard.table.find_user(query.user_id);
  if (!searched.partial && known && known->epoch.number() == epoch) {
    searched.keepable = known->epoch.adopt(prepared->terms, found.stats);
    attempt.overtaken = !searched.keepable;
  }
  const text::Scorer scorer(*prepared, found.stats, query.source, shard.parts.options->chunk_strategy);
  searched.results = merge_results(std::move(buffered), scorer, std::move(found), limit);
  shard.probe.components.record(TimedComponent::aggregation, answered, clock.steady_now());
  co_return attempt;
}

}  // namespace

asio::awaitable<engine::Outcome<Prepared>> prepare(engine::UserShard& shard, const Query& query) {
  const auto began = shard.parts.clock.steady_now();
  auto prepared = co_await make_prepared(shard, query);
  shard.probe.components.record(TimedComponent::embedding, began, shard.parts.clock.steady_now());
  co_return prepared;
}

// After an attempt that was overtaken the epoch knows all statistics of the query: the next one uses them.
asio::awaitable<Searched> search_everywhere(engine::UserShard& shard, const Query& query,
                                            std::shared_ptr<const text::PreparedQuery> prepared,
                                            std::size_t limit) {
  auto attempt = co_await search_once(shard, query, prepared, limit);
  if (attempt.overtaken) attempt = co_await search_once(shard, query, prepared, limit);
  co_return std::move(attempt.searched);
}

}  // namespace holdfast::query
