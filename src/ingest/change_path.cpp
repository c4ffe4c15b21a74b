#include <algorithm>
#include <utility>

#include "apply.hpp"
#include "holdfast/bypass/direct_path.hpp"
#include "holdfast/engine/message_lookup.hpp"
#include "holdfast/ingest/ingest_path.hpp"
#include "persist.hpp"
#include "way.hpp"

namespace holdfast::ingest {
namespace {

using engine::Entity;
using engine::FailureKind;

// The session once more, after a wait.
Outcome<engine::SessionState*> still_there(UserShard& shard, const std::string& session_id) {
  if (auto* session = shard.table.find_session(session_id)) return session;
  return engine::not_found(Entity::session, session_id);
}

// A message that the store has may be in the journal alone as well (stored, and not noted before a crash): it
// would come back behind the change.
std::optional<engine::Failure> in_doubt(const UserShard& shard, const engine::SessionState& session,
                                        const engine::UserState& user, const std::vector<std::string>& ids) {
  if (session.backlog.messages == 0) return std::nullopt;
  for (const auto& id : ids) {
    if (!session.buffer.find(id) && shard.backlog.may_hold(user, id)) return engine::may_wait_in_journal();
  }
  return std::nullopt;
}

struct ToUpdate {
  std::vector<Message> messages;
  engine::Mode mode;
};
// The messages, none of which is being deleted or was since it was found. The answer holds until the next
// co_await.
asio::awaitable<Outcome<ToUpdate>> require_for_update(UserShard& shard, std::string session_id,
                                                      std::vector<std::string> ids) {
  const auto deadline = shard.parts.clock.steady_now() + shard.parts.options->store_timeout;
  for (;;) {
    const auto* before = shard.table.find_session(session_id);
    const auto noted = before ? before->erasures_noted : 0;
    auto messages = co_await engine::require_messages(shard, session_id, ids);
    if (!messages) co_return messages.error();
    const auto mode = co_await choose_way(shard, session_id);
    if (!mode) co_return mode.error();
    const auto session = still_there(shard, session_id);
    if (!session) co_return session.error();
    const bool erasing = (*session)->erasures_under_way > 0;
    if (!erasing && (*session)->erasures_noted == noted) co_return ToUpdate{std::move(*messages), *mode};
    if (shard.parts.clock.steady_now() >= deadline) {
      co_return engine::Failure{FailureKind::in_progress, Entity::session, session_id};
    }
    if (erasing) co_await shard.flush_loop.next_settlement(deadline);
  }
}

}  // namespace

asio::awaitable<Outcome<std::vector<std::string>>> update_messages(UserShard& shard, std::string session_id,
                                                                   std::vector<MessageUpdate> updates) {
  std::vector<std::string> ids;
  for (const auto& update : updates) ids.push_back(update.id);
  auto found = co_await require_for_update(shard, session_id, ids);
  if (!found) co_return found.error();
  auto& [messages, mode] = *found;
  auto session = still_there(shard, session_id);
  if (!session) co_return session.error();
  std::size_t bytes = 0;
  for (const auto& update : updates) bytes += update.content.size() + update.metadata.size();
  const auto& user = shard.table.insert_user((*session)->session.user_id);
  if (auto refusal = shard.refusal(user, updates.size(), bytes, engine::Write::change))
    co_return std::move(*refusal);
  if (auto doubt = in_doubt(shard, **session, user, ids)) co_return std::move(*doubt);
  const std::string user_id = (*session)->session.user_id;

  journal::UpdateRecord record{user_id, session_id, shard.parts.clock.now(), {}};
  for (std::size_t i = 0; i < updates.size(); ++i) {
    auto& message = messages[i];
    message.role = updates[i].role;
    message.content = std::move(updates[i].content);
    message.metadata = std::move(updates[i].metadata);
    message.updated_at = record.updated_at;
    record.changes.push_back({message.id, message.role, message.content, message.metadata});
  }
  const UnderWay under_way(shard, session_id, mode, UnderWay::Kind::update);
  if (mode == engine::Mode::bypass) {
    const auto written = co_await bypass::update(shard, user_id, session_id, std::move(messages));
    if (!written) co_return written.error();
    co_return ids;
  }
  const journal::Operation operation = std::move(record);
  const auto lsn = co_await journal_operation(shard, operation);
  if (!lsn) co_return lsn.error();
  session = still_there(shard, session_id);
  if (!session) {
    shard.journal.acknowledge({*lsn});
    co_return session.error();
  }
  for (auto& message : messages) {
    message.tokens = static_cast<std::uint32_t>(shard.parts.tokens.count(message.content));
    apply_change(shard, **session, {std::move(message)}, *lsn);
  }
  shard.flush_loop.touched(**session);  // all of them at once: they are acknowledged together
  co_return ids;
}

asio::awaitable<Outcome<std::vector<std::string>>> erase_messages(UserShard& shard, std::string session_id,
                                                                  std::vector<std::string> ids) {
  const auto messages = co_await engine::require_messages(shard, session_id, ids);
  if (!messages) co_return messages.error();
  const auto mode = co_await choose_way(shard, session_id);
  if (!mode) co_return mode.error();
  auto session = still_there(shard, session_id);
  if (!session) co_return session.error();
  const std::string user_id = (*session)->session.user_id;
  const auto& user = shard.table.insert_user(user_id);
  if (auto refusal = shard.refusal(user, ids.size(), 0, engine::Write::change)) co_return std::move(*refusal);
  if (auto doubt = in_doubt(shard, **session, user, ids)) co_return std::move(*doubt);
  const UnderWay under_way(shard, session_id, *mode, UnderWay::Kind::erasure);
  if (*mode == engine::Mode::bypass) {
    const auto written = co_await bypass::erase(shard, user_id, session_id, ids);
    if (!written) co_return written.error();
    co_return ids;
  }
  const journal::Operation operation = journal::EraseRecord{user_id, session_id, ids};
  const auto lsn = co_await journal_operation(shard, operation);
  if (!lsn) co_return lsn.error();
  session = still_there(shard, session_id);
  if (!session) {
    shard.journal.acknowledge({*lsn});
    co_return session.error();
  }
  apply_erasures(shard, **session, ids, *lsn);
  co_return ids;
}

}  // namespace holdfast::ingest
