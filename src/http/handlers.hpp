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
Reply parameter_error_reply(const codec::ParameterError& error);

#define HOLDFAST_HANDLER(NAME) asio::awaitable<Reply> NAME(Api& api, Request request)
HOLDFAST_HANDLER(list_users);
HOLDFAST_HANDLER(create_user);
HOLDFAST_HANDLER(get_user);
HOLDFAST_HANDLER(update_user);
HOLDFAST_HANDLER(delete_user);
HOLDFAST_HANDLER(list_agents);
HOLDFAST_HANDLER(create_agent);
HOLDFAST_HANDLER(get_agent);
HOLDFAST_HANDLER(update_agent);
HOLDFAST_HANDLER(delete_agent);
HOLDFAST_HANDLER(list_sessions);
HOLDFAST_HANDLER(create_session);
HOLDFAST_HANDLER(get_session);
HOLDFAST_HANDLER(update_session);
HOLDFAST_HANDLER(delete_session);
HOLDFAST_HANDLER(add_messages);
HOLDFAST_HANDLER(list_messages);
HOLDFAST_HANDLER(read_messages);
HOLDFAST_HANDLER(update_messages);
HOLDFAST_HANDLER(delete_messages);
HOLDFAST_HANDLER(add_batch);
HOLDFAST_HANDLER(query_user);
HOLDFAST_HANDLER(list_knowledge);
HOLDFAST_HANDLER(add_knowledge);
HOLDFAST_HANDLER(read_knowledge);
HOLDFAST_HANDLER(update_knowledge);
HOLDFAST_HANDLER(delete_knowledge);
HOLDFAST_HANDLER(api_health);
HOLDFAST_HANDLER(health_live);
HOLDFAST_HANDLER(health_ready);
HOLDFAST_HANDLER(health_buffer);
HOLDFAST_HANDLER(health_performance);
HOLDFAST_HANDLER(metrics_page);
HOLDFAST_HANDLER(openapi);
HOLDFAST_HANDLER(buffer_stats);
HOLDFAST_HANDLER(flush_buffers);
HOLDFAST_HANDLER(clear_cache);
#undef HOLDFAST_HANDLER

}  // namespace holdfast::http
