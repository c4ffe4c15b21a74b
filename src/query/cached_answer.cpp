#include "cached_answer.hpp"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <limits>
#include <utility>

#include "holdfast/base/log.hpp"
#include "hybrid_search.hpp"
#include "search.hpp"

namespace holdfast::query {
namespace {

using cache::CachedAnswer;
using cache::QueryCache;
using cache::QueryWords;
using engine::SearchUnderWay;
using metrics::CacheOutcome;
using metrics::TimedComponent;

// Longer texts are only looked up exactly: their words would take too long to compare on a shard.
constexpr std::size_t kMostSimilarBytes = 2048;

// Searches in the background of what was already answered, on a shard at a time.
constexpr unsigned kMostVerifications = 8;

constexpr std::string_view kInStore = "store";

// Where the results are now: flushing moves them without changing them.
void refresh_sources(UserShard& shard, std::vector<ScoredResult>& results) {
  engine::StringMap<ScoredResult*> buffered;
  std::vector<const engine::SessionState*> sessions;
  for (auto& result : results) {
    if (result.source == kInStore) continue;
    result.source = kInStore;
    const auto* session = shard.table.find_session(result.session_id);
    if (!session) continue;
    buffered.emplace(result.id, &result);
    if (std::find(sessions.begin(), sessions.end(), session) == sessions.end()) sessions.push_back(session);
  }
  for (const auto* session : sessions) {
    session->buffer.for_each([&](metrics::Stage stage, const Message& message) {
      const auto found = buffered.find(message.id);
      if (found != buffered.end()) found->second->source = metrics::to_string(stage);
    });
  }
}

// The answer with what changed since scored anew; nothing when a search is needed.
asio::awaitable<std::optional<std::vector<ScoredResult>>> bring_up_to_date(UserShard& shard,
                                                                           QueryCache& cache,
                                                                           metrics::AnswerCacheProbe& probe,
                                                                           const Query& query,
                                                                           QueryCache::Found found) {
  auto& user = shard.table.insert_user(query.user_id);
  const auto asked_for = static_cast<std::size_t>(query.top_k);
  const auto log = user.epoch.changed_since(found.answer.position);
  if (log.empty()) {
    if (!found.answer.knows(asked_for)) co_return std::nullopt;
    const auto& known = found.answer.results;
    std::vector<ScoredResult> first(
        known.begin(), known.begin() + static_cast<std::ptrdiff_t>(std::min(asked_for, known.size())));
    refresh_sources(shard, first);
    co_return std::move(first);
  }
  auto answer = found.answer;  // copied: the cache may change while the store is asked
  const auto key = found.key;
  const std::vector<std::string> changed(log.begin(), log.end());
  const engine::StringSet only(changed.begin(), changed.end());
  answer.position = user.epoch.position();
  const auto frozen = user.epoch.frozen(answer.query->terms);
  auto buffered = search_buffers(shard, user, query, *answer.query, {}, &only);
  std::vector<std::string> not_buffered;
  for (const auto& id : only) {
    if (!buffered.hidden.contains(id)) not_buffered.push_back(id);
  }
  const bool some_before_are_stored =
      std::any_of(buffered.borders.begin(), buffered.borders.end(),
                  [](const store::SessionBorder& border) { return !border.wanted.empty(); });
  store::StoreAnswer stored;
  const auto most = 2 * only.size();  // a message and a piece of knowledge may have the same id
  if (!not_buffered.empty() || some_before_are_stored) {
    auto wanted = store_query(shard, query, *answer.query, buffered);
    wanted.only = std::move(not_buffered);
    wanted.frozen = frozen;
    wanted.limit = most;
    auto& store = shard.parts.store;
    auto call = [&store, wanted = std::move(wanted)] { return store.search(wanted); };
    auto searched = co_await runtime::call_blocking(shard.parts.store_pool,
                                                    shard.parts.options->store_timeout, std::move(call));
    if (!searched) co_return std::nullopt;
    stored = std::move(*searched);
  }
  frozen.put_over(stored.stats);
  const text::Scorer scorer(*answer.query, stored.stats, query.source, shard.parts.options->chunk_strategy);
  auto scored = merge_results(std::move(buffered), scorer, std::move(stored), most);
  const auto limit = shard.parts.options->cache.results_per_entry;
  cache::merge(answer, changed, std::move(scored), limit);
  if (!answer.knows(asked_for)) {
    cache.erase(key);
    co_return std::nullopt;
  }
  probe.merged.add();
  refresh_sources(shard, answer.results);
  auto results = answer.results;
  cache.update(key, std::move(answer));
  co_return results;
}

// Ends a search that others may wait for, however it ends.
class Shared {
 public:
  Shared(UserShard& shard, std::string key, const cache::Epoch& epoch)
      : shard_(shard),
        key_(std::move(key)),
        search_(std::make_shared<SearchUnderWay>(shard.executor, epoch.number(), epoch.position())) {
    shard_.searches.insert_or_assign(key_, search_);
  }
  Shared(const Shared&) = delete;
  Shared& operator=(const Shared&) = delete;
  ~Shared() {
    const auto found = shard_.searches.find(key_);
    if (found != shard_.searches.end() && found->second == search_) shard_.searches.erase(found);
    search_->ended.cancel();
  }
  SearchUnderWay& search() { return *search_; }

 private:
  UserShard& shard_;
  const std::string key_;
  const std::shared_ptr<SearchUnderWay> search_;
};

// The same search, begun when the user's items were as they are now.
std::shared_ptr<SearchUnderWay> same_search(UserShard& shard, const std::string& key,
                                            const cache::Epoch& epoch) {
  const auto found = shard.searches.find(key);
  if (found == shard.searches.end()) return nullptr;
  const auto& search = found->second;
  return search->epoch == epoch.number() && search->position == epoch.position() ? search : nullptr;
}

}  // namespace

asio::awaitable<Answer> search_and_keep(UserShard& shard, QueryCache& cache, const Query& query,
                                        std::shared_ptr<const text::PreparedQuery> prepared,
                                        QueryWords words) {
  const auto now = shard.parts.clock.steady_now();
  auto key = cache.key(query);
  auto& user = shard.table.insert_user(query.user_id);
  if (user.epoch.full()) shard.table.written(user);
  user.epoch.watch();
  if (const auto same = same_search(shard, key, user.epoch)) {
    shard.probe.searches_joined.add();
    co_await same->ended.async_wait(asio::as_tuple(asio::use_awaitable));
    if (same->answer) co_return Answer{same->answer->results, same->answer->partial};
  }
  const auto limit = shard.parts.options->cache.results_per_entry;
  const auto& now_user = shard.table.insert_user(query.user_id);
  Shared shared(shard, std::move(key), now_user.epoch);
  auto searched = co_await search_everywhere(shard, query, prepared, limit);
  auto& search = shared.search();
  search.answer = SearchUnderWay::Answer{searched.results, searched.partial};
  const bool pressed = shard.parts.pressure.level() != memory::Level::normal;
  if (searched.keepable && pressed) shard.parts.pressure.count(memory::Action::answer_not_cached);
  if (searched.keepable && !pressed) {
    auto answer =
        cache::answer_of(search.epoch, search.position, std::move(prepared), searched.results, limit);
    cache.insert(query, std::move(words), std::move(answer), now);
  }
  co_return Answer{std::move(searched.results), searched.partial};
}

namespace {

void cut(std::vector<ScoredResult>& results, const Query& query) {
  results.resize(std::min(results.size(), static_cast<std::size_t>(query.top_k)));
}

// What a similar hit answered against what is really found. Not counted when something changed meanwhile.
asio::awaitable<void> verify(UserShard& shard, cache::SimilarityControl& control, Query query,
                             std::shared_ptr<const text::PreparedQuery> prepared, QueryWords words,
                             std::vector<ScoredResult> served) {
  const auto state = [&] {
    const auto& epoch = shard.table.insert_user(query.user_id).epoch;
    return std::pair(epoch.number(), epoch.position());
  };
  const auto before = state();
  auto found = co_await search_and_keep(shard, shard.cache, query, std::move(prepared), std::move(words));
  if (found.partial || state() != before) co_return;
  cut(served, query);
  cut(found.results, query);
  control.verified(cache::overlap(served, found.results));
}

void verify_in_background(UserShard& shard, cache::SimilarityControl& control, const Query& query,
                          std::shared_ptr<const text::PreparedQuery> prepared, const QueryWords& words,
                          const std::vector<ScoredResult>& served) {
  if (shard.verifications >= kMostVerifications || !control.chooses_to_verify()) return;
  ++shard.verifications;
  asio::co_spawn(shard.executor, verify(shard, control, query, std::move(prepared), words, served),
                 [&shard](const std::exception_ptr& problem) {
                   --shard.verifications;
                   if (problem) log::error("verifying a similar hit ended in an exception");
                 });
}

}  // namespace

asio::awaitable<Outcome<Answer>> answer_through_cache(UserShard& shard, Query query) {
  using Origin = Answer::Origin;
  const auto& clock = shard.parts.clock;
  const auto now = clock.steady_now();
  const auto epoch = [&] { return shard.table.insert_user(query.user_id).epoch.number(); };
  auto& outcomes = shard.probe.cache;
  if (auto known = shard.cache.find(query, epoch(), now)) {
    auto results = co_await bring_up_to_date(shard, shard.cache, shard.probe.query_cache, query, *known);
    if (results) {
      outcomes[CacheOutcome::hit].add();
      shard.probe.components.record(TimedComponent::cache_check, now, clock.steady_now());
      co_return Answer{std::move(*results), false, Origin::exact_hit};
    }
  }
  const auto exact_check = clock.steady_now() - now;
  const auto made = co_await prepare(shard, query);
  if (!made) co_return made.error();
  auto prepared = made->query;
  // While the vector was made messages may have come that only the journal holds.
  const bool some_in_journal = shard.table.insert_user(query.user_id).backlog_bytes > 0;
  if (made->degraded || some_in_journal) {
    outcomes[CacheOutcome::miss].add();
    shard.probe.components.record(TimedComponent::cache_check, now, now + exact_check);
    auto searched = co_await search_everywhere(shard, query, prepared, static_cast<std::size_t>(query.top_k));
    Answer answer{std::move(searched.results), searched.partial};
    answer.degraded = made->degraded;
    co_return answer;
  }
  const auto checking_since = clock.steady_now() - exact_check;  // as if making the vector had taken no time
  auto words = query.text.size() <= kMostSimilarBytes ? cache::query_words(query.text) : QueryWords{};
  if (auto similar = shard.cache.find_similar(query, words, prepared->vector, epoch(), now)) {
    auto results = co_await bring_up_to_date(shard, shard.cache, shard.probe.query_cache, query, *similar);
    if (results) {
      outcomes[CacheOutcome::similar].add();
      shard.probe.components.record(TimedComponent::cache_check, checking_since, clock.steady_now());
      verify_in_background(shard, shard.cache.control(), query, prepared, words, *results);
      co_return Answer{std::move(*results), false, Origin::similar_hit};
    }
  }
  if (shard.parts.options->speculation.enabled) {
    Query anywhere = query;
    anywhere.session_id.reset();  // it tags the results, nothing more
    if (auto predicted = shard.speculations.find_similar(anywhere, {}, prepared->vector, epoch(), now)) {
      auto results = co_await bring_up_to_date(shard, shard.speculations, shard.probe.speculative_buffer,
                                               query, *predicted);
      if (results) {
        outcomes[CacheOutcome::speculative].add();
        shard.probe.components.record(TimedComponent::cache_check, checking_since, clock.steady_now());
        verify_in_background(shard, shard.speculations.control(), query, prepared, words, *results);
        co_return Answer{std::move(*results), false, Origin::speculative_hit};
      }
    }
  }
  outcomes[CacheOutcome::miss].add();
  shard.probe.components.record(TimedComponent::cache_check, checking_since, clock.steady_now());
  co_return co_await search_and_keep(shard, shard.cache, query, std::move(prepared), std::move(words));
}

}  // namespace holdfast::query
