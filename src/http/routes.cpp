#include "holdfast/http/routes.hpp"

#include "route_functions.hpp"

namespace holdfast::http {
namespace {

using L = metrics::Route;
using M = Method;

constexpr Route kRoutes[] = {
    {M::post, "/api/v1/sessions/{}/messages", add_messages, L::messages_add},
    {M::get, "/api/v1/sessions/{}/messages", list_messages, L::messages_read},
    {M::put, "/api/v1/sessions/{}/messages", update_messages, L::messages_change},
    {M::erase, "/api/v1/sessions/{}/messages", delete_messages, L::messages_change},
    {M::post, "/api/v1/sessions/{}/messages/read", read_messages, L::messages_read},
    {M::post, "/api/v1/messages/batch", add_batch, L::messages_batch, BodyLimit::bulk},
    {M::post, "/api/v1/users/{}/query", query_user, L::query},
    {M::get, "/api/v1/health", api_health, L::health},

    {M::get, "/api/v1/users", list_users, L::users},
    {M::post, "/api/v1/users", create_user, L::users},
    {M::get, "/api/v1/users/{}", get_user, L::users},
    {M::put, "/api/v1/users/{}", update_user, L::users},
    {M::erase, "/api/v1/users/{}", delete_user, L::users},
    {M::get, "/api/v1/agents", list_agents, L::agents},
    {M::post, "/api/v1/agents", create_agent, L::agents},
    {M::get, "/api/v1/agents/{}", get_agent, L::agents},
    {M::put, "/api/v1/agents/{}", update_agent, L::agents},
    {M::erase, "/api/v1/agents/{}", delete_agent, L::agents},
    {M::get, "/api/v1/sessions", list_sessions, L::sessions},
    {M::post, "/api/v1/sessions", create_session, L::sessions},
    {M::get, "/api/v1/sessions/{}", get_session, L::sessions},
    {M::put, "/api/v1/sessions/{}", update_session, L::sessions},
    {M::erase, "/api/v1/sessions/{}", delete_session, L::sessions},

    {M::get, "/api/v1/users/{}/knowledge", list_knowledge, L::knowledge},
    {M::post, "/api/v1/users/{}/knowledge", add_knowledge, L::knowledge},
    {M::put, "/api/v1/users/{}/knowledge", update_knowledge, L::knowledge},
    {M::erase, "/api/v1/users/{}/knowledge", delete_knowledge, L::knowledge},
    {M::post, "/api/v1/users/{}/knowledge/read", read_knowledge, L::knowledge},

    {M::get, "/api/v1/buffer/stats", buffer_stats, L::buffer},
    {M::post, "/api/v1/buffer/flush", flush_buffers, L::buffer},
    {M::post, "/api/v1/cache/clear", clear_cache, L::buffer},
    {M::get, "/api/v1/dead-letters", list_dead_letters, L::buffer},
    {M::post, "/api/v1/dead-letters/{}/retry", retry_dead_letter, L::buffer},
    {M::erase, "/api/v1/dead-letters/{}", delete_dead_letter, L::buffer},
    {M::get, "/health/live", health_live, L::health},
    {M::get, "/health/ready", health_ready, L::health},
    {M::get, "/health/buffer", health_buffer, L::health},
    {M::get, "/health/performance", health_performance, L::health},
    {M::get, "/metrics", metrics_page, L::metrics},
    {M::get, "/openapi.json", openapi, L::other},
};

}  // namespace

std::span<const Route> route_table() {
  return kRoutes;
}

}  // namespace holdfast::http
