// The functions behind the route table, and how outcomes become replies.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <span>
#include <string>
#include <string_view>

#include "holdfast/engine/failure.hpp"
#include "holdfast/http/codec/parse.hpp"
#include "holdfast/http/codec/url.hpp"
#include "holdfast/http/exchange.hpp"
#include "holdfast/http/routes.hpp"
#include "holdfast/service/memory_service.hpp"

namespace holdfast::http {

namespace asio = boost::asio;

Reply success(unsigned status, std::string_view message, std::string_view data);
Reply failure_reply(const engine::Failure& failure, const Request& request);  // counts refusals
std::string failure_message(const engine::Failure& failure);
Reply body_error_reply(const codec::BodyErrors& errors);
bool may_see(const Request& request, std::string_view user_id);  // by its key
Reply parameter_error_reply(const codec::ParameterError& error);

#define HOLDFAST_ROUTE(NAME) asio::awaitable<Reply> NAME(Api& api, Request request)
HOLDFAST_ROUTE(list_users);
HOLDFAST_ROUTE(create_user);
HOLDFAST_ROUTE(get_user);
HOLDFAST_ROUTE(update_user);
HOLDFAST_ROUTE(delete_user);
HOLDFAST_ROUTE(list_agents);
HOLDFAST_ROUTE(create_agent);
HOLDFAST_ROUTE(get_agent);
HOLDFAST_ROUTE(update_agent);
HOLDFAST_ROUTE(delete_agent);
HOLDFAST_ROUTE(list_sessions);
HOLDFAST_ROUTE(create_session);
HOLDFAST_ROUTE(get_session);
HOLDFAST_ROUTE(update_session);
HOLDFAST_ROUTE(delete_session);
HOLDFAST_ROUTE(add_messages);
HOLDFAST_ROUTE(list_messages);
HOLDFAST_ROUTE(read_messages);
HOLDFAST_ROUTE(update_messages);
HOLDFAST_ROUTE(delete_messages);
HOLDFAST_ROUTE(add_batch);
HOLDFAST_ROUTE(query_user);
HOLDFAST_ROUTE(list_knowledge);
HOLDFAST_ROUTE(add_knowledge);
HOLDFAST_ROUTE(read_knowledge);
HOLDFAST_ROUTE(update_knowledge);
HOLDFAST_ROUTE(delete_knowledge);
HOLDFAST_ROUTE(api_health);
HOLDFAST_ROUTE(health_live);
HOLDFAST_ROUTE(health_ready);
HOLDFAST_ROUTE(health_buffer);
HOLDFAST_ROUTE(health_performance);
HOLDFAST_ROUTE(metrics_page);
HOLDFAST_ROUTE(metrics_history);
HOLDFAST_ROUTE(openapi);
HOLDFAST_ROUTE(buffer_stats);
HOLDFAST_ROUTE(buffer_memory);
HOLDFAST_ROUTE(flush_buffers);
HOLDFAST_ROUTE(profile_buffer);
HOLDFAST_ROUTE(clear_cache);
HOLDFAST_ROUTE(reload_config);
HOLDFAST_ROUTE(status_page);
HOLDFAST_ROUTE(status_script);
HOLDFAST_ROUTE(status_style);
HOLDFAST_ROUTE(list_dead_letters);
HOLDFAST_ROUTE(retry_dead_letter);
HOLDFAST_ROUTE(delete_dead_letter);
#undef HOLDFAST_ROUTE

}  // namespace holdfast::http
