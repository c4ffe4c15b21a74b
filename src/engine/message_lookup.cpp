#include "holdfast/engine/message_lookup.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace holdfast::engine {
namespace {

enum class Journal { may_hold, holds_none };

asio::awaitable<Outcome<std::vector<Message>>> find(UserShard& shard, std::string user_id,
                                                    std::vector<std::string> ids, Journal journal) {
  std::vector<Message> found;
  std::vector<std::string> elsewhere;
  StringSet erased;
  auto& user = shard.table.insert_user(user_id);
  for (const auto* session : user.sessions) {
    session->buffer.for_each_erasure([&](std::string_view id) { erased.emplace(id); });
  }
  for (auto& id : ids) {
    const Message* held = nullptr;
    for (const auto* session : user.sessions) {
      if ((held = session->buffer.find(id))) break;
    }
    if (held) {
      found.push_back(*held);
    } else if (!erased.contains(id)) {
      elsewhere.push_back(std::move(id));
    }
  }
  if (elsewhere.empty()) co_return found;
  // Asked before the store is: while it answers, the journal's may come back to the buffers.
  std::vector<std::string> in_doubt;
  std::copy_if(elsewhere.begin(), elsewhere.end(), std::back_inserter(in_doubt), [&](const std::string& id) {
    return journal == Journal::may_hold && shard.backlog.may_hold(user, id);
  });
  auto& store = shard.parts.store;
  auto call = [&store, user_id, elsewhere] { return store.find_messages(user_id, elsewhere); };
  auto stored = co_await runtime::call_blocking(shard.parts.store_pool, shard.parts.options->store_timeout,
                                                std::move(call));
  if (!stored) co_return unavailable(stored.error());
  const auto is_stored = [&](const std::string& id) {
    return std::any_of(stored->begin(), stored->end(),
                       [&](const Message& message) { return message.id == id; });
  };
  if (!std::all_of(in_doubt.begin(), in_doubt.end(), is_stored)) {
    co_return may_wait_in_journal();
  }
  std::move(stored->begin(), stored->end(), std::back_inserter(found));
  co_return found;
}

}  // namespace

Failure may_wait_in_journal() {
  return {FailureKind::unavailable, Entity::message,
          "this message may be among those that wait in the journal for the store",
          metrics::RefusalReason::store};
}

asio::awaitable<Outcome<std::vector<Message>>> find_messages(UserShard& shard, std::string user_id,
                                                             std::vector<std::string> ids) {
  return find(shard, std::move(user_id), std::move(ids), Journal::may_hold);
}

asio::awaitable<Outcome<std::vector<Message>>> find_messages_outside_journal(UserShard& shard,
                                                                             std::string user_id,
                                                                             std::vector<std::string> ids) {
  return find(shard, std::move(user_id), std::move(ids), Journal::holds_none);
}

asio::awaitable<Outcome<std::vector<Message>>> require_messages(UserShard& shard, std::string session_id,
                                                                std::vector<std::string> ids) {
  auto opened = co_await shard.table.open_session(session_id);
  if (!opened) co_return opened.error();
  auto existing = co_await find_messages(shard, (*opened)->session.user_id, ids);
  if (!existing) co_return existing.error();
  std::vector<Message> ordered;
  for (const auto& id : ids) {
    const auto found = std::find_if(existing->begin(), existing->end(), [&](const Message& message) {
      return message.id == id && message.session_id == session_id;
    });
    if (found == existing->end()) co_return not_found(Entity::message, id);
    ordered.push_back(*found);
  }
  co_return ordered;
}

}  // namespace holdfast::engine
