#include <utility>

#include "holdfast/service/memory_service.hpp"
#include "store_call.hpp"

namespace holdfast::service {
namespace {

using engine::Entity;
using engine::Failure;
using engine::FailureKind;
using engine::UserShard;
using store::MemoryStore;

// Longer than any: what is deleted must leave memory, too, however long the store takes for it.
constexpr std::chrono::hours kErasureAtMost{24};

Entity entity_of(NamedKind kind) {
  return kind == NamedKind::user ? Entity::user : Entity::agent;
}

// The store's functions for users or for agents.
struct NamedTable {
  Result<store::Outcome> (MemoryStore::*create)(const User&);
  Result<std::optional<User>> (MemoryStore::*find)(std::string_view);
  Result<std::optional<User>> (MemoryStore::*find_by_name)(std::string_view);
  Result<std::vector<User>> (MemoryStore::*list)();
  Result<store::Outcome> (MemoryStore::*update)(const User&);
};
constexpr NamedTable kUsers{&MemoryStore::create_user, &MemoryStore::user, &MemoryStore::user_by_name,
                            &MemoryStore::users, &MemoryStore::update_user};
constexpr NamedTable kAgents{&MemoryStore::create_agent, &MemoryStore::agent, &MemoryStore::agent_by_name,
                             &MemoryStore::agents, &MemoryStore::update_agent};
const NamedTable& table_of(NamedKind kind) {
  return kind == NamedKind::user ? kUsers : kAgents;
}

// What a write to the catalogue came to; nothing when it is done.
std::optional<Failure> failure_of(const Outcome<store::Outcome>& written, Entity entity,
                                  const std::string& id, const std::string& name) {
  if (!written) return written.error();
  if (*written == store::Outcome::name_taken) return Failure{FailureKind::name_taken, entity, name};
  if (*written == store::Outcome::not_found) return engine::not_found(entity, id);
  return std::nullopt;
}

asio::awaitable<void> forget_user(UserShard& shard, std::string user_id) {
  if (auto* user = shard.table.find_user(user_id)) {
    for (auto* session : user->sessions) shard.flush_loop.forget(*session);
    shard.table.erase_user(*user);
  }
  shard.idempotency.forget_user(user_id);
  shard.cache.erase_user(user_id);
  shard.speculations.erase_user(user_id);
  co_return;
}

asio::awaitable<void> forget_session(UserShard& shard, std::string session_id) {
  auto* session = shard.table.find_session(session_id);
  if (!session) co_return;
  shard.flush_loop.forget(*session);
  shard.table.erase_session(*session);
}

asio::awaitable<void> enter_session(UserShard& shard, Session session) {
  shard.table.insert(std::move(session), 0);
  co_return;
}

asio::awaitable<Outcome<std::string>> user_of(UserShard& shard, std::string session_id) {
  const auto session = co_await shard.table.open_session(std::move(session_id));
  if (!session) co_return session.error();
  co_return (*session)->session.user_id;
}

asio::awaitable<void> rename_in_memory(UserShard& shard, Session renamed) {
  if (auto* session = shard.table.find_session(renamed.id)) session->session = std::move(renamed);
  co_return;
}

}  // namespace

engine::UserShard* MemoryService::session_owner(std::string_view session_id) {
  const auto key = session_route_key(session_id);
  return key ? shards_[set_.owner(*key)].get() : nullptr;
}

engine::UserShard& MemoryService::user_owner(std::string_view user_id) {
  return *shards_[set_.owner(route_key(user_id))];
}

asio::awaitable<Outcome<std::vector<User>>> MemoryService::list_named(NamedKind kind) {
  auto call = [&store = parts_.store, list = table_of(kind).list] { return (store.*list)(); };
  co_return co_await ask_store(parts_, call);
}

asio::awaitable<Outcome<User>> MemoryService::find_named(NamedKind kind, std::string id) {
  auto call = [&store = parts_.store, find = table_of(kind).find, id] { return (store.*find)(id); };
  auto found = co_await ask_store(parts_, call);
  if (!found) co_return found.error();
  if (!*found) co_return engine::not_found(entity_of(kind), id);
  co_return std::move(**found);
}

asio::awaitable<Outcome<User>> MemoryService::find_by_name(NamedKind kind, std::string name) {
  auto call = [&store = parts_.store, find = table_of(kind).find_by_name, name] {
    return (store.*find)(name);
  };
  auto found = co_await ask_store(parts_, call);
  if (!found) co_return found.error();
  if (!*found) co_return Failure{FailureKind::name_not_found, entity_of(kind), name};
  co_return std::move(**found);
}

asio::awaitable<Outcome<User>> MemoryService::create_named(NamedKind kind, std::string name,
                                                           std::string description) {
  const auto now = parts_.clock.now();
  User entry{make_uuid_v7(now), std::move(name), std::move(description), now, now};
  auto call = [&store = parts_.store, create = table_of(kind).create, entry] {
    return (store.*create)(entry);
  };
  const auto written = co_await ask_store(parts_, call);
  if (auto failure = failure_of(written, entity_of(kind), entry.id, entry.name))
    co_return std::move(*failure);
  co_return entry;
}

asio::awaitable<Outcome<User>> MemoryService::change_named(NamedKind kind, std::string id,
                                                           std::optional<std::string> name,
                                                           std::optional<std::string> description) {
  auto entry = co_await find_named(kind, id);
  if (!entry) co_return entry.error();
  if (name) entry->name = std::move(*name);
  if (description) entry->description = std::move(*description);
  entry->updated_at = parts_.clock.now();
  auto call = [&store = parts_.store, update = table_of(kind).update, to = *entry] {
    return (store.*update)(to);
  };
  const auto written = co_await ask_store(parts_, call);
  if (auto failure = failure_of(written, entity_of(kind), id, entry->name)) co_return std::move(*failure);
  co_return entry;
}

asio::awaitable<Outcome<void>> MemoryService::remove_letters_of(std::string flush::DeadLetter::*owner,
                                                                std::string id) {
  auto call = [&letters = parts_.dead_letters, owner, id] { return letters.remove_of(owner, id); };
  co_return co_await ask_store(parts_, call);
}

asio::awaitable<Outcome<void>> MemoryService::erase_user(std::string id) {
  auto call = [&store = parts_.store, id] { return store.erase_user(id); };
  const auto written = co_await ask_store(parts_, call, kErasureAtMost);
  const auto failure = failure_of(written, Entity::user, id, {});
  if (failure && failure->kind != FailureKind::not_found) co_return *failure;
  auto& owner = user_owner(id);
  if (!failure) co_await runtime::hop(owner.executor, forget_user(owner, id));
  const auto removed =
      co_await remove_letters_of(&flush::DeadLetter::user_id, id);  // also when an earlier try got no further
  if (failure) co_return *failure;
  co_return removed;
}

asio::awaitable<Outcome<void>> MemoryService::erase_agent(std::string id) {
  auto call = [&store = parts_.store, id] { return store.erase_agent(id); };
  const auto written = co_await ask_store(parts_, call);
  if (auto failure = failure_of(written, Entity::agent, id, {})) co_return std::move(*failure);
  co_return Outcome<void>{};
}

asio::awaitable<Outcome<std::vector<Session>>> MemoryService::list_sessions(store::SessionFilter filter) {
  auto call = [&store = parts_.store, filter] { return store.sessions(filter); };
  co_return co_await ask_store(parts_, call);
}

asio::awaitable<Outcome<Session>> MemoryService::find_session(std::string id) {
  auto call = [&store = parts_.store, id] { return store.session(id); };
  auto found = co_await ask_store(parts_, call);
  if (!found) co_return found.error();
  if (!*found) co_return engine::not_found(Entity::session, id);
  co_return std::move((*found)->session);
}

asio::awaitable<Outcome<std::string>> MemoryService::session_user(std::string id) {
  auto* owner = session_owner(id);
  if (!owner) co_return engine::not_found(Entity::session, std::move(id));
  co_return co_await runtime::hop(owner->executor, user_of(*owner, std::move(id)));
}

asio::awaitable<Outcome<Session>> MemoryService::create_session(std::string user_id, std::string agent_id,
                                                                std::optional<std::string> name) {
  const auto user = co_await find_named(NamedKind::user, user_id);
  if (!user) co_return user.error();
  const auto agent = co_await find_named(NamedKind::agent, agent_id);
  if (!agent) co_return agent.error();
  const auto now = parts_.clock.now();
  auto& owner = user_owner(user_id);
  Session session{make_session_id(route_key(user_id)), user_id, agent_id, {}, now, now};
  session.name = name ? std::move(*name) : user->name + "-" + agent->name + "-" + random_hex(8);
  auto call = [&store = parts_.store, session] { return store.create_session(session); };
  const auto written = co_await ask_store(parts_, call);
  if (auto failure = failure_of(written, Entity::session, user_id, session.name)) {
    if (failure->kind == FailureKind::not_found)
      failure->entity = Entity::user;  // deleted since it was looked up
    co_return std::move(*failure);
  }
  co_await runtime::hop(owner.executor, enter_session(owner, session));
  co_return session;
}

asio::awaitable<Outcome<Session>> MemoryService::rename_session(std::string id,
                                                                std::optional<std::string> name) {
  auto session = co_await find_session(id);
  if (!session || !name) co_return session;
  session->name = std::move(*name);
  session->updated_at = parts_.clock.now();
  auto call = [&store = parts_.store, to = *session] {
    return store.rename_session(to.id, to.name, to.updated_at);
  };
  const auto written = co_await ask_store(parts_, call);
  if (auto failure = failure_of(written, Entity::session, id, session->name)) co_return std::move(*failure);
  auto& owner = user_owner(session->user_id);
  co_await runtime::hop(owner.executor, rename_in_memory(owner, *session));
  co_await mark_written(session->user_id);
  co_return session;
}

asio::awaitable<Outcome<void>> MemoryService::erase_session(std::string id) {
  const auto session = co_await find_session(id);
  if (!session) {
    if (session.error().kind == FailureKind::not_found)
      (void)co_await remove_letters_of(&flush::DeadLetter::session_id, id);
    co_return session.error();
  }
  auto call = [&store = parts_.store, id] { return store.erase_session(id); };
  const auto written = co_await ask_store(parts_, call, kErasureAtMost);
  if (auto failure = failure_of(written, Entity::session, id, {})) co_return std::move(*failure);
  auto& owner = user_owner(session->user_id);
  co_await runtime::hop(owner.executor, forget_session(owner, id));
  co_await mark_written(session->user_id);
  co_return co_await remove_letters_of(&flush::DeadLetter::session_id, std::move(id));
}

}  // namespace holdfast::service
