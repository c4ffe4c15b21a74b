#include "dedup.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "holdfast/engine/message_lookup.hpp"

namespace holdfast::ingest {

using engine::Entity;
using engine::Failure;
using engine::FailureKind;

asio::awaitable<Outcome<std::vector<bool>>> find_repeats(UserShard& shard, const AddRequest& request,
                                                         const std::string& user_id) {
  std::vector<bool> repeats(request.messages.size(), false);
  std::vector<std::string> ids;
  for (const auto& message : request.messages) {
    if (!message.id) continue;
    if (std::find(ids.begin(), ids.end(), *message.id) != ids.end()) {
      co_return Failure{FailureKind::id_conflict, Entity::message, *message.id};
    }
    ids.push_back(*message.id);
  }
  if (ids.empty()) co_return repeats;
  auto existing = co_await engine::find_messages(shard, user_id, ids);
  if (!existing) co_return existing.error();
  // What came while the store was asked.
  const auto& user = shard.table.insert_user(user_id);
  for (const auto* session : user.sessions) {
    // What another session deletes is still in its way to the store.
    std::optional<Failure> in_the_way;
    session->buffer.for_each_erasure([&](std::string_view id) {
      if (session->session.id == request.session_id || std::find(ids.begin(), ids.end(), id) == ids.end())
        return;
      in_the_way = Failure{FailureKind::in_progress, Entity::message, std::string(id)};
    });
    if (in_the_way) co_return std::move(*in_the_way);
    for (const auto& id : ids) {
      if (const auto* held = session->buffer.find(id)) existing->push_back(*held);
    }
  }
  for (std::size_t i = 0; i < request.messages.size(); ++i) {
    const auto& message = request.messages[i];
    if (!message.id) continue;
    const auto same_id = std::find_if(existing->begin(), existing->end(),
                                      [&](const Message& known) { return known.id == *message.id; });
    if (same_id == existing->end()) continue;
    const bool same = same_id->session_id == request.session_id && same_id->role == message.role &&
                      same_id->content == message.content;
    if (!same) co_return Failure{FailureKind::id_conflict, Entity::message, *message.id};
    repeats[i] = true;
  }
  co_return repeats;
}

}  // namespace holdfast::ingest
