#include <algorithm>
#include <utility>

#include "apply.hpp"
#include "holdfast/engine/dead_operations.hpp"
#include "holdfast/engine/message_lookup.hpp"
#include "holdfast/ingest/ingest_path.hpp"
#include "persist.hpp"
#include "way.hpp"

namespace holdfast::ingest {
namespace {

using engine::FailureKind;

// Past this long without a batch settling, a full buffer is looked at again.
constexpr std::chrono::seconds kRoomCheckInterval{1};

Result<void> to_error(const engine::Failure& failure) {
  return retryable("replay cannot ask the store: " + failure.subject);
}

// While the store takes nothing, what has no room stays in the journal (Backlog).
asio::awaitable<void> wait_for_room(UserShard& shard) {
  while (!shard.flush_loop.has_room(0) && !shard.parts.flush.breaker().open()) {
    for (auto* session : shard.table.all_sessions()) {
      shard.flush_loop.request_flush(*session, metrics::FlushReason::replay);
    }
    co_await shard.flush_loop.next_settlement(shard.parts.clock.steady_now() + kRoomCheckInterval);
  }
}

// What changes a message must not overtake it.
asio::awaitable<void> wait_for_backlog(UserShard& shard, const std::string& session_id) {
  for (;;) {
    const auto* session = shard.table.find_session(session_id);
    if (!session || session->backlog.messages == 0) co_return;
    co_await shard.flush_loop.next_settlement(shard.parts.clock.steady_now() + kRoomCheckInterval);
  }
}

void remember_answer(UserShard& shard, const journal::AppendRecord& record) {
  if (record.idempotency_key.empty()) return;
  AddAnswer answer;
  for (const auto& message : record.round.messages) answer.message_ids.push_back(message.id);
  answer.first_seq = record.round.messages.front().seq;
  answer.last_seq = record.round.messages.back().seq;
  auto& window = shard.table.insert_user(record.user_id).idempotency;
  window.begin(record.idempotency_key, record.request_hash);
  window.complete(record.idempotency_key, std::move(answer));
}

asio::awaitable<Result<void>> replay_update(UserShard& shard, journal::UpdateRecord record, Lsn lsn) {
  std::vector<std::string> ids;
  for (const auto& change : record.changes) ids.push_back(change.id);
  auto existing = co_await engine::find_messages(shard, record.user_id, ids);
  if (!existing) co_return to_error(existing.error());
  auto* session = shard.table.find_session(record.session_id);
  bool applied = false;
  for (auto& change : record.changes) {
    const auto message = std::find_if(existing->begin(), existing->end(),
                                      [&](const Message& known) { return known.id == change.id; });
    if (!session || message == existing->end()) continue;  // erased later on
    message->role = change.role;
    message->content = std::move(change.content);
    message->metadata = std::move(change.metadata);
    message->updated_at = record.updated_at;
    message->tokens = static_cast<std::uint32_t>(shard.parts.tokens.count(message->content));
    apply_change(shard, *session, {*message}, lsn);
    applied = true;
  }
  if (!applied) shard.journal.acknowledge({lsn});
  co_return Result<void>{};
}

void replay_append(UserShard& shard, journal::AppendRecord record, Lsn lsn) {
  remember_answer(shard, record);
  auto* session = shard.table.find_session(record.round.session_id);
  session->next_seq = std::max(session->next_seq, record.round.messages.back().seq + 1);
  auto round = engine::to_buffered(std::move(record.round), lsn);
  round.maybe_stored = true;
  apply_round(shard, *session, std::move(round));
  // What was a dead letter comes back among later messages, which are scored with it.
  if (auto* user = shard.table.find_user(session->session.user_id)) shard.table.written(*user);
}

std::string session_of(const journal::Operation& operation) {
  if (const auto* append = std::get_if<journal::AppendRecord>(&operation)) return append->round.session_id;
  if (const auto* update = std::get_if<journal::UpdateRecord>(&operation)) return update->session_id;
  return std::get<journal::EraseRecord>(operation).session_id;
}

asio::awaitable<Result<void>> replay_record(UserShard& shard, journal::ReplayedRecord record) {
  if (record.stored) {
    remember_answer(shard, std::get<journal::AppendRecord>(record.operation));
    co_return Result<void>{};
  }
  if (!engine::leave_out_dead(shard.parts.dead_letters, record.operation, record.lsn)) {
    shard.journal.acknowledge({record.lsn});
    co_return Result<void>{};
  }
  co_await wait_for_room(shard);
  const auto session_id = session_of(record.operation);
  if (!std::holds_alternative<journal::AppendRecord>(record.operation)) {
    co_await wait_for_backlog(shard, session_id);
  }
  const auto opened = co_await shard.table.open_session(session_id);
  if (!opened) {
    if (opened.error().kind != FailureKind::not_found) co_return to_error(opened.error());
    shard.journal.acknowledge({record.lsn});  // the session was deleted: nothing of it is owed any more
    co_return Result<void>{};
  }
  if (auto* append = std::get_if<journal::AppendRecord>(&record.operation)) {
    replay_append(shard, std::move(*append), record.lsn);
  } else if (auto* update = std::get_if<journal::UpdateRecord>(&record.operation)) {
    co_return co_await replay_update(shard, std::move(*update), record.lsn);
  } else {
    auto& erase = std::get<journal::EraseRecord>(record.operation);
    apply_erasures(shard, **opened, erase.message_ids, record.lsn);
  }
  co_return Result<void>{};
}

}  // namespace

asio::awaitable<Result<void>> replay(UserShard& shard, std::vector<journal::ReplayedRecord> records) {
  for (auto& record : records) {
    const auto replayed = co_await replay_record(shard, std::move(record));
    if (!replayed) co_return replayed;
  }
  co_return Result<void>{};
}

asio::awaitable<Outcome<void>> resubmit(UserShard& shard, journal::Operation operation) {
  const auto session_id = session_of(operation);
  const auto opened = co_await shard.table.open_session(session_id);
  if (!opened) co_return opened.error();
  const UnderWay under_way(shard, session_id, engine::Mode::buffer);
  const auto lsn = co_await journal_operation(shard, operation);
  if (!lsn) co_return lsn.error();
  journal::ReplayedRecord record{*lsn, std::move(operation)};
  const auto applied = co_await replay_record(shard, std::move(record));
  if (!applied) co_return engine::unavailable(applied.error());
  if (auto* session = shard.table.find_session(session_id)) {
    shard.flush_loop.request_flush(*session, metrics::FlushReason::request);
  }
  co_return Outcome<void>{};
}

}  // namespace holdfast::ingest
