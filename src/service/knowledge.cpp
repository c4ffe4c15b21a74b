#include <algorithm>
#include <utility>

#include "holdfast/service/memory_service.hpp"
#include "holdfast/text/features.hpp"
#include "store_call.hpp"

namespace holdfast::service {
namespace {

using engine::UserShard;

asio::awaitable<void> note_written(UserShard& shard, std::string user_id) {
  if (auto* user = shard.table.find_user(user_id)) shard.table.written(*user);
  co_return;
}

asio::awaitable<void> note_changes(UserShard& shard, std::string user_id, std::vector<std::string> ids) {
  if (auto* user = shard.table.find_user(user_id)) {
    for (const auto& id : ids) shard.table.changed(*user, id);
  }
  co_return;
}

asio::awaitable<Outcome<void>> open(UserShard& shard, std::string user_id) {
  const auto user = co_await shard.table.open_user(std::move(user_id));
  if (!user) co_return user.error();
  co_return Outcome<void>{};
}

}  // namespace

asio::awaitable<Outcome<void>> MemoryService::require_user(std::string user_id) {
  auto& owner = user_owner(user_id);
  co_return co_await runtime::hop(owner.executor, open(owner, std::move(user_id)));
}

asio::awaitable<void> MemoryService::mark_written(std::string user_id) {
  auto& owner = user_owner(user_id);
  co_await runtime::hop(owner.executor, note_written(owner, std::move(user_id)));
}

asio::awaitable<void> MemoryService::mark_changed(std::string user_id, std::vector<std::string> ids) {
  auto& owner = user_owner(user_id);
  co_await runtime::hop(owner.executor, note_changes(owner, std::move(user_id), std::move(ids)));
}

asio::awaitable<Outcome<std::vector<Knowledge>>> MemoryService::list_knowledge(std::string user_id) {
  const auto user = co_await require_user(user_id);
  if (!user) co_return user.error();
  auto call = [&store = parts_.store, user_id] { return store.knowledge(user_id); };
  co_return co_await ask_store(parts_, call);
}

asio::awaitable<Outcome<std::vector<Knowledge>>> MemoryService::read_knowledge(std::string user_id,
                                                                               std::vector<std::string> ids) {
  const auto user = co_await require_user(user_id);
  if (!user) co_return user.error();
  auto call = [&store = parts_.store, user_id, ids] { return store.find_knowledge(user_id, ids); };
  auto found = co_await ask_store(parts_, call);
  if (!found) co_return found.error();
  std::vector<Knowledge> ordered;
  for (const auto& id : ids) {
    const auto item =
        std::find_if(found->begin(), found->end(), [&](const Knowledge& known) { return known.id == id; });
    if (item == found->end()) co_return engine::not_found(engine::Entity::knowledge, id);
    ordered.push_back(*item);
  }
  co_return ordered;
}

asio::awaitable<Outcome<std::vector<std::string>>> MemoryService::add_knowledge(
    std::string user_id, std::vector<std::string> contents) {
  const auto user = co_await require_user(user_id);
  if (!user) co_return user.error();
  const auto now = parts_.clock.now();
  std::vector<std::string> ids;
  std::vector<Knowledge> items;
  for (auto& content : contents) {
    ids.push_back(make_uuid_v7(now));
    items.push_back({ids.back(), user_id, std::move(content), now, now});
  }
  auto call = [&store = parts_.store, &embedder = parts_.embedder, chunking = parts_.options->flush.chunking,
               items = std::move(items)] {
    std::vector<text::Features> features;
    for (const auto& item : items)
      features.push_back(text::extract_features(item.content, embedder, chunking));
    return store.add_knowledge(items, features);
  };
  const auto written = co_await ask_store(parts_, std::move(call));
  if (!written) co_return written.error();
  co_await mark_changed(std::move(user_id), ids);
  co_return ids;
}

asio::awaitable<Outcome<std::vector<std::string>>> MemoryService::update_knowledge(
    std::string user_id, std::vector<std::pair<std::string, std::string>> changes) {
  const auto user = co_await require_user(user_id);
  if (!user) co_return user.error();
  std::vector<std::string> ids;
  for (const auto& [id, content] : changes) ids.push_back(id);
  auto find = [&store = parts_.store, user_id, ids] { return store.find_knowledge(user_id, ids); };
  auto found = co_await ask_store(parts_, find);
  if (!found) co_return found.error();
  std::vector<Knowledge> items;
  for (auto& [id, content] : changes) {
    const auto known = std::find_if(found->begin(), found->end(),
                                    [&id = id](const Knowledge& item) { return item.id == id; });
    if (known == found->end()) co_return engine::not_found(engine::Entity::knowledge, id);
    items.push_back({id, user_id, std::move(content), known->created_at, parts_.clock.now()});
  }
  auto call = [&store = parts_.store, &embedder = parts_.embedder, chunking = parts_.options->flush.chunking,
               items = std::move(items)]() -> Result<void> {
    for (const auto& item : items) {
      auto written = store.update_knowledge(item, text::extract_features(item.content, embedder, chunking));
      if (!written) return written;
    }
    return Result<void>{};
  };
  const auto written = co_await ask_store(parts_, std::move(call));
  co_await mark_changed(std::move(user_id), ids);  // also when some were written and one was not
  if (!written) co_return written.error();
  co_return ids;
}

asio::awaitable<Outcome<std::vector<std::string>>> MemoryService::erase_knowledge(
    std::string user_id, std::vector<std::string> ids) {
  const auto user = co_await require_user(user_id);
  if (!user) co_return user.error();
  auto call = [&store = parts_.store, user_id, ids] { return store.erase_knowledge(user_id, ids); };
  const auto written = co_await ask_store(parts_, std::move(call));
  if (!written) co_return written.error();
  co_await mark_changed(std::move(user_id), ids);
  co_return ids;
}

}  // namespace holdfast::service
