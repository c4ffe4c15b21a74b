#include <utility>

#include "holdfast/service/memory_service.hpp"

namespace holdfast::service {
namespace {

using engine::SessionState;
using engine::UserShard;
using metrics::FlushReason;

// A client that waits for a flush is answered within this.
constexpr std::chrono::seconds kFlushWait{20};

struct Mark {  // what a session had taken in when the flush was asked for
  std::string session_id;
  std::uint64_t entered = 0;
};

std::vector<SessionState*> matching(UserShard& shard, const FlushRequest& request) {
  std::vector<SessionState*> sessions;
  for (auto* session : shard.table.all_sessions()) {
    if (session->buffer.empty() && session->backlog.messages == 0) continue;
    if (request.session_id && session->session.id != *request.session_id) continue;
    if (request.user_id && session->session.user_id != *request.user_id) continue;
    sessions.push_back(session);
  }
  return sessions;
}

std::uint64_t count_unsettled(UserShard& shard, const std::vector<Mark>& marks) {
  std::uint64_t unsettled = 0;
  for (const auto& mark : marks) {
    const auto* session = shard.table.find_session(mark.session_id);
    if (!session) continue;
    const bool owed = !session->buffer.empty() || session->backlog.messages > 0;
    if (owed && session->buffer.settled() < mark.entered) ++unsettled;
  }
  return unsettled;
}

asio::awaitable<FlushAnswer> flush_shard(UserShard& shard, FlushRequest request, FlushReason reason,
                                         SteadyTime deadline) {
  FlushAnswer answer;
  std::vector<Mark> marks;
  for (auto* session : matching(shard, request)) {
    session->buffer.for_each([&](metrics::Stage, const Message&) { ++answer.messages; });
    marks.push_back({session->session.id, session->buffer.entered() + session->backlog.rounds});
    shard.flush_loop.request_flush(*session, reason);
  }
  answer.sessions = marks.size();
  answer.pending_sessions = count_unsettled(shard, marks);
  while (request.wait && answer.pending_sessions > 0 && shard.parts.clock.steady_now() < deadline) {
    co_await shard.flush_loop.next_settlement(deadline);
    answer.pending_sessions = count_unsettled(shard, marks);
  }
  co_return answer;
}

asio::awaitable<void> take_options(UserShard& shard, std::shared_ptr<const engine::Options> options) {
  shard.reconfigure(std::move(options));
  co_return;
}

asio::awaitable<void> clear_cache(UserShard& shard) {
  shard.cache.clear();
  shard.speculations.clear();
  co_return;
}

}  // namespace

asio::awaitable<Outcome<FlushAnswer>> MemoryService::flush(FlushRequest request) {
  if (request.session_id && !session_owner(*request.session_id)) {
    co_return engine::not_found(engine::Entity::session, *request.session_id);
  }
  if (request.user_id) {
    const auto user = co_await require_user(*request.user_id);
    if (!user) co_return user.error();
  }
  const auto deadline = parts_.clock.steady_now() + kFlushWait;
  FlushAnswer sum;
  for (auto& shard : shards_) {
    const auto part =
        co_await runtime::hop(shard->executor, flush_shard(*shard, request, FlushReason::request, deadline));
    sum.sessions += part.sessions;
    sum.messages += part.messages;
    sum.pending_sessions += part.pending_sessions;
  }
  co_return sum;
}

asio::awaitable<void> MemoryService::clear_caches() {
  for (auto& shard : shards_) co_await runtime::hop(shard->executor, clear_cache(*shard));
}

asio::awaitable<void> MemoryService::reconfigure(std::shared_ptr<const engine::Options> options) {
  for (auto& shard : shards_) co_await runtime::hop(shard->executor, take_options(*shard, options));
}

asio::awaitable<std::uint64_t> MemoryService::drain(FlushReason reason, SteadyTime deadline) {
  std::uint64_t pending = 0;
  for (auto& shard : shards_) {
    const auto part = co_await runtime::hop(shard->executor, flush_shard(*shard, {}, reason, deadline));
    pending += part.pending_sessions;
  }
  co_return pending;
}

}  // namespace holdfast::service
