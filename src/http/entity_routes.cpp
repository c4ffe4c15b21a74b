#include <optional>
#include <utility>

#include "holdfast/http/access_keys.hpp"
#include "holdfast/http/codec/render.hpp"
#include "route_functions.hpp"

namespace holdfast::http {
namespace {

using service::NamedKind;

// Users and agents answer alike.
struct NamedWords {
  std::string_view one, many;  // keys
  std::string_view listed, got, created, updated;
};
constexpr NamedWords kUserWords{"user",
                                "users",
                                "Users retrieved successfully",
                                "User retrieved successfully",
                                "User created successfully",
                                "User updated successfully"};
constexpr NamedWords kAgentWords{"agent",
                                 "agents",
                                 "Agents retrieved successfully",
                                 "Agent retrieved successfully",
                                 "Agent created successfully",
                                 "Agent updated successfully"};
const NamedWords& words(NamedKind kind) {
  return kind == NamedKind::user ? kUserWords : kAgentWords;
}

asio::awaitable<Reply> list_named(Api& api, Request request, NamedKind kind) {
  const auto& say = words(kind);
  if (const auto* name = codec::find_parameter(request.parameters, "name")) {
    const auto found = co_await api.memory.find_by_name(kind, *name);
    if (!found) co_return failure_reply(found.error(), request);
    if (kind == NamedKind::user && !may_see(request, found->id)) {
      const engine::Failure hidden{engine::FailureKind::name_not_found, engine::Entity::user, *name};
      co_return failure_reply(hidden, request);
    }
    co_return success(200, say.got, codec::render_named_list(say.many, std::span(&*found, 1)));
  }
  auto entries = co_await api.memory.list_named(kind);
  if (!entries) co_return failure_reply(entries.error(), request);
  if (kind == NamedKind::user)
    std::erase_if(*entries, [&](const User& user) { return !may_see(request, user.id); });
  co_return success(200, say.listed, codec::render_named_list(say.many, *entries));
}

asio::awaitable<Reply> create_named(Api& api, Request request, NamedKind kind) {
  auto body = codec::parse_create_named(request.body);
  if (!body) co_return body_error_reply(body.error());
  const auto made =
      co_await api.memory.create_named(kind, std::move(body->name), std::move(body->description));
  if (!made) co_return failure_reply(made.error(), request);
  co_return success(201, words(kind).created, codec::render_named(words(kind).one, *made));
}

asio::awaitable<Reply> get_named(Api& api, Request request, NamedKind kind) {
  const auto found = co_await api.memory.find_named(kind, request.path_arguments[0]);
  if (!found) co_return failure_reply(found.error(), request);
  co_return success(200, words(kind).got, codec::render_named(words(kind).one, *found));
}

asio::awaitable<Reply> update_named(Api& api, Request request, NamedKind kind) {
  auto body = codec::parse_change_named(request.body);
  if (!body) co_return body_error_reply(body.error());
  const auto changed = co_await api.memory.change_named(kind, request.path_arguments[0],
                                                        std::move(body->name), std::move(body->description));
  if (!changed) co_return failure_reply(changed.error(), request);
  co_return success(200, words(kind).updated, codec::render_named(words(kind).one, *changed));
}

std::optional<std::string> optional_parameter(const Request& request, std::string_view name) {
  const auto* value = codec::find_parameter(request.parameters, name);
  return value ? std::optional(*value) : std::nullopt;
}

}  // namespace

asio::awaitable<Reply> list_users(Api& api, Request request) {
  return list_named(api, std::move(request), NamedKind::user);
}
asio::awaitable<Reply> create_user(Api& api, Request request) {
  return create_named(api, std::move(request), NamedKind::user);
}
asio::awaitable<Reply> get_user(Api& api, Request request) {
  return get_named(api, std::move(request), NamedKind::user);
}
asio::awaitable<Reply> update_user(Api& api, Request request) {
  return update_named(api, std::move(request), NamedKind::user);
}
asio::awaitable<Reply> list_agents(Api& api, Request request) {
  return list_named(api, std::move(request), NamedKind::agent);
}
asio::awaitable<Reply> create_agent(Api& api, Request request) {
  return create_named(api, std::move(request), NamedKind::agent);
}
asio::awaitable<Reply> get_agent(Api& api, Request request) {
  return get_named(api, std::move(request), NamedKind::agent);
}
asio::awaitable<Reply> update_agent(Api& api, Request request) {
  return update_named(api, std::move(request), NamedKind::agent);
}

asio::awaitable<Reply> delete_user(Api& api, Request request) {
  const auto erased = co_await api.memory.erase_user(request.path_arguments[0]);
  if (!erased) co_return failure_reply(erased.error(), request);
  co_return Reply{204, {}, {}, {}};
}

asio::awaitable<Reply> delete_agent(Api& api, Request request) {
  const auto erased = co_await api.memory.erase_agent(request.path_arguments[0]);
  if (!erased) co_return failure_reply(erased.error(), request);
  co_return success(200, "Agent deleted successfully",
                    codec::render_id("agent_id", request.path_arguments[0]));
}

asio::awaitable<Reply> list_sessions(Api& api, Request request) {
  const store::SessionFilter filter{optional_parameter(request, "user_id"),
                                    optional_parameter(request, "agent_id"),
                                    optional_parameter(request, "name")};
  auto found = co_await api.memory.list_sessions(filter);
  if (!found) co_return failure_reply(found.error(), request);
  std::erase_if(*found, [&](const Session& session) { return !may_see(request, session.user_id); });
  if (!filter.name) co_return success(200, "Sessions retrieved successfully", codec::render_sessions(*found));
  if (found->empty()) {
    const engine::Failure missing{engine::FailureKind::name_not_found, engine::Entity::session, *filter.name};
    co_return failure_reply(missing, request);
  }
  co_return success(200, "Session retrieved successfully",
                    codec::render_sessions(std::span(*found).first(1)));
}

asio::awaitable<Reply> create_session(Api& api, Request request) {
  auto body = codec::parse_create_session(request.body);
  if (!body) co_return body_error_reply(body.error());
  if (!may_see(request, body->user_id)) {
    co_return failure_reply(engine::not_found(engine::Entity::user, body->user_id), request);
  }
  const auto made = co_await api.memory.create_session(std::move(body->user_id), std::move(body->agent_id),
                                                       std::move(body->name));
  if (!made) co_return failure_reply(made.error(), request);
  co_return success(201, "Session created successfully", codec::render_session(*made));
}

asio::awaitable<Reply> get_session(Api& api, Request request) {
  const auto found = co_await api.memory.find_session(request.path_arguments[0]);
  if (!found) co_return failure_reply(found.error(), request);
  co_return success(200, "Session retrieved successfully", codec::render_session(*found));
}

asio::awaitable<Reply> update_session(Api& api, Request request) {
  auto body = codec::parse_change_named(request.body);
  if (!body) co_return body_error_reply(body.error());
  const auto renamed = co_await api.memory.rename_session(request.path_arguments[0], std::move(body->name));
  if (!renamed) co_return failure_reply(renamed.error(), request);
  co_return success(200, "Session updated successfully", codec::render_session(*renamed));
}

asio::awaitable<Reply> delete_session(Api& api, Request request) {
  const auto erased = co_await api.memory.erase_session(request.path_arguments[0]);
  if (!erased) co_return failure_reply(erased.error(), request);
  co_return success(200, "Session deleted successfully",
                    codec::render_id("session_id", request.path_arguments[0]));
}

asio::awaitable<Reply> list_knowledge(Api& api, Request request) {
  const auto items = co_await api.memory.list_knowledge(request.path_arguments[0]);
  if (!items) co_return failure_reply(items.error(), request);
  co_return success(200, "Knowledge items retrieved successfully", codec::render_knowledge(*items));
}

asio::awaitable<Reply> add_knowledge(Api& api, Request request) {
  auto body = codec::parse_add_knowledge(request.body, request.serving->limits);
  if (!body) co_return body_error_reply(body.error());
  const auto ids = co_await api.memory.add_knowledge(request.path_arguments[0], std::move(*body));
  if (!ids) co_return failure_reply(ids.error(), request);
  co_return success(201, "Knowledge items added successfully", codec::render_ids("knowledge_ids", *ids));
}

asio::awaitable<Reply> read_knowledge(Api& api, Request request) {
  auto ids = codec::parse_ids(request.body, "knowledge_ids");
  if (!ids) co_return body_error_reply(ids.error());
  const auto items = co_await api.memory.read_knowledge(request.path_arguments[0], std::move(*ids));
  if (!items) co_return failure_reply(items.error(), request);
  co_return success(200, "Knowledge items retrieved successfully", codec::render_knowledge(*items));
}

asio::awaitable<Reply> update_knowledge(Api& api, Request request) {
  auto body = codec::parse_update_knowledge(request.body, request.serving->limits);
  if (!body) co_return body_error_reply(body.error());
  std::vector<std::pair<std::string, std::string>> changes;  // the shorter list rules
  for (std::size_t i = 0; i < std::min(body->knowledge_ids.size(), body->new_knowledge.size()); ++i) {
    changes.emplace_back(std::move(body->knowledge_ids[i]), std::move(body->new_knowledge[i]));
  }
  const auto ids = co_await api.memory.update_knowledge(request.path_arguments[0], std::move(changes));
  if (!ids) co_return failure_reply(ids.error(), request);
  co_return success(200, "Knowledge items updated successfully", codec::render_ids("knowledge_ids", *ids));
}

asio::awaitable<Reply> delete_knowledge(Api& api, Request request) {
  auto ids = codec::parse_ids(request.body, "knowledge_ids");
  if (!ids) co_return body_error_reply(ids.error());
  const auto erased = co_await api.memory.erase_knowledge(request.path_arguments[0], std::move(*ids));
  if (!erased) co_return failure_reply(erased.error(), request);
  co_return success(200, "Knowledge items deleted successfully", codec::render_ids("knowledge_ids", *erased));
}

}  // namespace holdfast::http
