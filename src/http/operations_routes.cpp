#include <nlohmann/json.hpp>
#include <utility>

#include "holdfast/http/access_keys.hpp"
#include "holdfast/http/codec/render.hpp"
#include "holdfast/http/serving.hpp"
#include "holdfast/http/status.hpp"
#include "route_functions.hpp"

namespace holdfast::http {

// Asked before every call of a client: from memory, without a hop.
asio::awaitable<Reply> api_health(Api&, Request) {
  co_return success(200, "Server is healthy", R"({"status":"ok"})");
}
asio::awaitable<Reply> health_live(Api& api, Request) {
  co_return api.status.live();
}
asio::awaitable<Reply> health_ready(Api& api, Request) {
  co_return api.status.ready();
}
asio::awaitable<Reply> health_buffer(Api& api, Request) {
  co_return api.status.buffer_health();
}
asio::awaitable<Reply> health_performance(Api& api, Request request) {
  const auto window = codec::parse_window(request.parameters);
  if (!window) co_return parameter_error_reply(window.error());
  co_return api.status.performance_health(*window);
}
asio::awaitable<Reply> metrics_page(Api& api, Request) {
  co_return api.status.metrics();
}

asio::awaitable<Reply> buffer_stats(Api& api, Request) {
  co_return success(200, "Buffer statistics retrieved successfully", api.status.statistics());
}

asio::awaitable<Reply> buffer_memory(Api& api, Request request) {
  const auto top = codec::parse_count(request.parameters, "top", 10, 100);
  if (!top) co_return parameter_error_reply(top.error());
  const auto users = co_await api.memory.largest_users(*top);
  co_return success(200, "Memory use retrieved successfully",
                    api.status.memory_use(users, request.serving->limits));
}

// The route table as an OpenAPI document: every path and method, with its path parameters.
asio::awaitable<Reply> openapi(Api&, Request) {
  using Json = nlohmann::ordered_json;
  Json paths = Json::object();
  for (const auto& route : route_table()) {
    std::string path;
    Json parameters = Json::array();
    for (const char c : route.pattern) {
      path += c;
      if (c != '{') continue;
      path += "id";  // a path has at most one
      parameters.push_back(
          {{"name", "id"}, {"in", "path"}, {"required", true}, {"schema", {{"type", "string"}}}});
    }
    std::string method(to_string(route.method));
    for (char& c : method) c = static_cast<char>(c | 0x20);
    auto& operation = paths[path][method];
    operation["tags"] = {std::string(metrics::to_string(route.label))};
    if (!parameters.empty()) operation["parameters"] = std::move(parameters);
    operation["responses"] = {{"default", {{"description", "see the interface"}}}};
  }
  const Json document = {{"openapi", "3.1.0"},
                         {"info", {{"title", "Holdfast"}, {"version", HOLDFAST_VERSION}}},
                         {"paths", std::move(paths)}};
  co_return Reply{200, document.dump(), "application/json", {}};
}

asio::awaitable<Reply> flush_buffers(Api& api, Request request) {
  auto body = codec::parse_flush(request.body);
  if (!body) co_return body_error_reply(body.error());
  if (request.principal && request.principal->scoped()) {
    auto user = body->user_id ? engine::Outcome<std::string>(*body->user_id)
                              : engine::not_found(engine::Entity::user, "");
    if (body->session_id) user = co_await api.memory.session_user(*body->session_id);
    if (!user || !may_see(request, *user)) {
      co_return failure_reply(engine::not_found(engine::Entity::user, body->user_id.value_or("")), request);
    }
  }
  service::FlushRequest flush{std::move(body->user_id), std::move(body->session_id), body->wait};
  const bool wait = flush.wait;
  const auto answer = co_await api.memory.flush(std::move(flush));
  if (!answer) co_return failure_reply(answer.error(), request);
  const nlohmann::ordered_json data = {{"sessions", answer->sessions},
                                       {"messages", answer->messages},
                                       {"pending_sessions", answer->pending_sessions}};
  const bool done = answer->pending_sessions == 0;
  co_return success(200,
                    done   ? "Buffers flushed successfully"
                    : wait ? "Not everything is in the store yet"
                           : "Flush started",
                    data.dump());
}

asio::awaitable<Reply> list_dead_letters(Api& api, Request request) {
  constexpr std::size_t kMostShown = 1000;
  const auto found = co_await api.memory.list_dead_letters(kMostShown);
  if (!found) co_return failure_reply(found.error(), request);
  nlohmann::ordered_json letters = nlohmann::ordered_json::array();
  for (const auto& letter : found->letters) {
    letters.push_back({{"id", letter.id},
                       {"user_id", letter.user_id},
                       {"session_id", letter.session_id},
                       {"message_id", letter.message_id},
                       {"operation", letter.operation},
                       {"reason", letter.reason},
                       {"attempts", letter.attempts},
                       {"died_at", to_iso8601(letter.died_at)}});
  }
  const nlohmann::ordered_json data = {{"dead_letters", std::move(letters)}, {"total", found->total}};
  co_return success(200, "Dead letters retrieved successfully",
                    data.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
}

asio::awaitable<Reply> retry_dead_letter(Api& api, Request request) {
  const auto id = request.path_arguments[0];
  const auto done = co_await api.memory.retry_dead_letter(id);
  if (!done) co_return failure_reply(done.error(), request);
  co_return success(200, "Dead letter taken in again", nlohmann::ordered_json{{"id", id}}.dump());
}

asio::awaitable<Reply> delete_dead_letter(Api& api, Request request) {
  const auto id = request.path_arguments[0];
  const auto done = co_await api.memory.erase_dead_letter(id);
  if (!done) co_return failure_reply(done.error(), request);
  co_return success(200, "Dead letter deleted successfully", nlohmann::ordered_json{{"id", id}}.dump());
}

asio::awaitable<Reply> clear_cache(Api& api, Request) {
  co_await api.memory.clear_caches();
  co_return success(200, "Cache cleared successfully", R"({"cleared":true})");
}

// Reading files and waiting for the shards has no place on a shard.
asio::awaitable<Reply> reload_config(Api& api, Request request) {
  constexpr std::chrono::seconds kReloadAtMost{10};
  auto call = [&config = api.config] { return config.reload(); };
  const auto done = co_await runtime::call_blocking(api.memory.parts().store_pool, kReloadAtMost, call);
  if (!done && done.error().kind == ErrorKind::permanent) {
    co_return Reply{
        400,
        codec::render_error(400, "Configuration refused, nothing changed: " + done.error().message, {}),
        "application/json",
        {}};
  }
  if (!done) co_return failure_reply(engine::unavailable(done.error()), request);
  const nlohmann::ordered_json data = {{"changed", done->changed}, {"needs_restart", done->needs_restart}};
  co_return success(200, "Configuration reloaded", data.dump());
}

}  // namespace holdfast::http
