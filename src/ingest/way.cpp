#include "way.hpp"

#include <utility>

namespace holdfast::ingest {

using engine::Entity;
using engine::Failure;
using engine::FailureKind;
using engine::Mode;

asio::awaitable<Outcome<Mode>> choose_way(UserShard& shard, std::string session_id) {
  const auto deadline = shard.parts.clock.steady_now() + shard.parts.options->store_timeout;
  for (;;) {
    auto* session = shard.table.find_session(session_id);
    if (!session) {  // the table has forgotten it since it was opened, or it is gone
      const auto opened = co_await shard.table.open_session(session_id);
      if (!opened) co_return opened.error();
      session = *opened;
    }
    const auto mode = shard.parts.options->mode;
    if (mode == Mode::buffer && session->direct_writes == 0) co_return mode;
    if (mode == Mode::bypass && session->idle()) co_return mode;
    if (shard.parts.clock.steady_now() >= deadline) {
      co_return Failure{FailureKind::unavailable, Entity::session,
                        "earlier messages of the session are not in the store yet",
                        metrics::RefusalReason::store};
    }
    if (mode == Mode::bypass) shard.flush_loop.request_flush(*session, metrics::FlushReason::request);
    co_await shard.flush_loop.next_settlement(deadline);
  }
}

UnderWay::UnderWay(UserShard& shard, std::string session_id, Mode mode, Kind kind)
    : shard_(shard), session_id_(std::move(session_id)), mode_(mode), kind_(kind) {
  count(1);
}

UnderWay::~UnderWay() {
  count(-1);
  shard_.flush_loop.wake_waiters();
}

void UnderWay::count(int difference) {
  auto* session = shard_.table.find_session(session_id_);
  if (!session) return;
  auto& counter = mode_ == Mode::bypass ? session->direct_writes : session->writes_under_way;
  counter += static_cast<unsigned>(difference);
  ++shard_.table.insert_user(session->session.user_id).writes_noted;
  if (kind_ == Kind::add) return;
  session->changes_under_way += static_cast<unsigned>(difference);
  if (kind_ == Kind::update) return;
  session->erasures_under_way += static_cast<unsigned>(difference);
  ++session->erasures_noted;
}

}  // namespace holdfast::ingest
