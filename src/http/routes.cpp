#include "holdfast/http/routes.hpp"

#include "route_functions.hpp"

namespace holdfast::http {
namespace {

using A = Access;
using L = metrics::Route;
using M = Method;

constexpr Route kRoutes[] = {
    {M::post, "/api/v1/sessions/{}/messages", add_messages, L::messages_add, A::session},
    {M::get, "/api/v1/sessions/{}/messages", list_messages, L::messages_read, A::session},
    {M::put, "/api/v1/sessions/{}/messages", update_messages, L::messages_change, A::session},
    {M::erase, "/api/v1/sessions/{}/messages", delete_messages, L::messages_change, A::session},
    {M::post, "/api/v1/sessions/{}/messages/read", read_messages, L::messages_read, A::session},
    {M::post, "/api/v1/messages/batch", add_batch, L::messages_batch, A::by_route, BodyLimit::bulk},
    {M::post, "/api/v1/users/{}/query", query_user, L::query, A::user},
    {M::get, "/api/v1/health", api_health, L::health, A::open},

    {M::get, "/api/v1/users", list_users, L::users, A::by_route},
    {M::post, "/api/v1/users", create_user, L::users, A::unscoped},
    {M::get, "/api/v1/users/{}", get_user, L::users, A::user},
    {M::put, "/api/v1/users/{}", update_user, L::users, A::user},
    {M::erase, "/api/v1/users/{}", delete_user, L::users, A::unscoped},
    {M::get, "/api/v1/agents", list_agents, L::agents, A::any},
    {M::post, "/api/v1/agents", create_agent, L::agents, A::any},
    {M::get, "/api/v1/agents/{}", get_agent, L::agents, A::any},
    {M::put, "/api/v1/agents/{}", update_agent, L::agents, A::unscoped},
    {M::erase, "/api/v1/agents/{}", delete_agent, L::agents, A::unscoped},
    {M::get, "/api/v1/sessions", list_sessions, L::sessions, A::by_route},
    {M::post, "/api/v1/sessions", create_session, L::sessions, A::by_route},
    {M::get, "/api/v1/sessions/{}", get_session, L::sessions, A::session},
    {M::put, "/api/v1/sessions/{}", update_session, L::sessions, A::session},
    {M::erase, "/api/v1/sessions/{}", delete_session, L::sessions, A::session},

    {M::get, "/api/v1/users/{}/knowledge", list_knowledge, L::knowledge, A::user},
    {M::post, "/api/v1/users/{}/knowledge", add_knowledge, L::knowledge, A::user},
    {M::put, "/api/v1/users/{}/knowledge", update_knowledge, L::knowledge, A::user},
    {M::erase, "/api/v1/users/{}/knowledge", delete_knowledge, L::knowledge, A::user},
    {M::post, "/api/v1/users/{}/knowledge/read", read_knowledge, L::knowledge, A::user},

    {M::get, "/api/v1/buffer/stats", buffer_stats, L::buffer, A::admin},
    {M::get, "/api/v1/buffer/memory", buffer_memory, L::buffer, A::admin},
    {M::post, "/api/v1/buffer/flush", flush_buffers, L::buffer, A::by_route},
    {M::post, "/api/v1/buffer/profile", profile_buffer, L::buffer, A::admin},
    {M::post, "/api/v1/cache/clear", clear_cache, L::buffer, A::admin},
    {M::post, "/api/v1/config/reload", reload_config, L::buffer, A::admin},
    {M::get, "/api/v1/dead-letters", list_dead_letters, L::buffer, A::admin},
    {M::post, "/api/v1/dead-letters/{}/retry", retry_dead_letter, L::buffer, A::admin},
    {M::erase, "/api/v1/dead-letters/{}", delete_dead_letter, L::buffer, A::admin},
    {M::get, "/health/live", health_live, L::health, A::open},
    {M::get, "/health/ready", health_ready, L::health, A::open},
    {M::get, "/health/buffer", health_buffer, L::health, A::admin},
    {M::get, "/health/performance", health_performance, L::health, A::admin},
    {M::get, "/api/v1/metrics/history", metrics_history, L::metrics, A::admin},
    {M::get, "/metrics", metrics_page, L::metrics, A::admin},
    {M::get, "/", status_page, L::other, A::page},
    {M::get, "/status.js", status_script, L::other, A::page},
    {M::get, "/status.css", status_style, L::other, A::page},
    {M::get, "/openapi.json", openapi, L::other, A::open},
};

}  // namespace

std::span<const Route> route_table() {
  return kRoutes;
}

}  // namespace holdfast::http
