#include <xxhash.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "holdfast/http/codec/render.hpp"
#include "route_functions.hpp"

namespace holdfast::http {
namespace {

using SteadyClock = std::chrono::steady_clock;

std::uint64_t nanoseconds_since(SteadyClock::time_point began) {
  return static_cast<std::uint64_t>((SteadyClock::now() - began).count());
}

// Of the body and of where it goes: the same key for another session is another request.
std::uint64_t hash_request(const Request& request) {
  return XXH3_64bits_withSeed(request.body.text().data(), request.body.text().size(),
                              XXH3_64bits(request.path.data(), request.path.size()));
}

codec::AddedMessages describe(const engine::AddAnswer& answer, const engine::Parts& parts) {
  codec::AddedMessages added;
  added.message_ids = answer.message_ids;
  added.transfer_triggered = answer.transfer_triggered;
  // What the store has committed is synced, whatever the journal does.
  added.durability =
      journal::to_string(answer.bypassed ? journal::Durability::fsync : parts.options->durability);
  added.first_seq = answer.first_seq;
  added.last_seq = answer.last_seq;
  added.mode = answer.bypassed ? "bypass" : "buffer";
  // The built-in embedder works at the query or the flush, whichever comes first; a server's vectors come
  // later.
  added.embedding = parts.embedder.deferred() ? "pending" : "ready";
  return added;
}

void order_results(std::vector<ScoredResult>& results, const ResultOrder& order) {
  if (order.by_timestamp) {
    std::stable_sort(results.begin(), results.end(), [&](const ScoredResult& a, const ScoredResult& b) {
      return order.descending ? b.created_at < a.created_at : a.created_at < b.created_at;
    });
  } else if (!order.descending) {
    std::reverse(results.begin(), results.end());
  }
}

}  // namespace

asio::awaitable<Reply> add_messages(Api& api, Request request) {
  const auto began = SteadyClock::now();
  auto messages = codec::parse_add_messages(request.body, request.serving->limits);
  request.probe->components.record(metrics::TimedComponent::http_parse, began, SteadyClock::now());
  if (!messages) co_return body_error_reply(messages.error());
  ingest::AddRequest add;
  add.session_id = request.path_arguments[0];
  add.messages = std::move(*messages);
  if (!request.idempotency_key.empty()) {
    if (!is_valid_id(request.idempotency_key)) {
      co_return parameter_error_reply(
          {"Idempotency-Key", "Idempotency-Key must have 1 to 256 printable characters"});
    }
    add.idempotency_key = request.idempotency_key;
    add.request_hash = hash_request(request);
  }
  const auto answer = co_await api.memory.add_messages(std::move(add));
  if (!answer) co_return failure_reply(answer.error(), request);
  const auto added = describe(*answer, api.memory.parts());
  auto reply = success(201, "Messages added successfully", codec::render_added(added));
  if (answer->replayed) reply.headers.emplace_back("Idempotency-Replayed", "true");
  request.probe->write_ns.record(nanoseconds_since(began));
  co_return reply;
}

asio::awaitable<Reply> list_messages(Api& api, Request request) {
  const auto wanted = codec::parse_message_listing(request.parameters);
  if (!wanted) co_return parameter_error_reply(wanted.error());
  query::Listing listing;
  listing.what = {request.path_arguments[0], wanted->sort_by, wanted->order, wanted->limit};
  listing.scope = wanted->buffer_only ? query::Scope::round_buffer : query::Scope::everything;
  const auto messages = co_await api.memory.list_messages(std::move(listing));
  if (!messages) co_return failure_reply(messages.error(), request);
  co_return success(200, "Messages retrieved successfully",
                    codec::render_messages(*messages, wanted->include_metadata));
}

asio::awaitable<Reply> read_messages(Api& api, Request request) {
  auto ids = codec::parse_ids(request.body, "message_ids");
  if (!ids) co_return body_error_reply(ids.error());
  const auto messages = co_await api.memory.read_messages(request.path_arguments[0], std::move(*ids));
  if (!messages) co_return failure_reply(messages.error(), request);
  const auto* include = codec::find_parameter(request.parameters, "include");
  co_return success(200, "Messages read successfully",
                    codec::render_messages(*messages, include && *include == "metadata"));
}

asio::awaitable<Reply> update_messages(Api& api, Request request) {
  auto body = codec::parse_update_messages(request.body, request.serving->limits);
  if (!body) co_return body_error_reply(body.error());
  std::vector<ingest::MessageUpdate> updates;  // the shorter list rules
  for (std::size_t i = 0; i < std::min(body->message_ids.size(), body->new_messages.size()); ++i) {
    auto& to = body->new_messages[i];
    updates.push_back(
        {std::move(body->message_ids[i]), to.role, std::move(to.content), std::move(to.metadata)});
  }
  const auto ids = co_await api.memory.update_messages(request.path_arguments[0], std::move(updates));
  if (!ids) co_return failure_reply(ids.error(), request);
  co_return success(200, "Messages updated successfully", codec::render_ids("message_ids", *ids));
}

asio::awaitable<Reply> delete_messages(Api& api, Request request) {
  auto ids = codec::parse_ids(request.body, "message_ids");
  if (!ids) co_return body_error_reply(ids.error());
  const auto erased = co_await api.memory.erase_messages(request.path_arguments[0], std::move(*ids));
  if (!erased) co_return failure_reply(erased.error(), request);
  co_return success(200, "Messages deleted successfully", codec::render_ids("message_ids", *erased));
}

asio::awaitable<Reply> query_user(Api& api, Request request) {
  const auto began = SteadyClock::now();
  auto query = codec::parse_query(request.body, request.path_arguments[0]);
  request.probe->components.record(metrics::TimedComponent::http_parse, began, SteadyClock::now());
  if (!query) co_return body_error_reply(query.error());
  auto answer = co_await api.memory.query(std::move(*query));
  if (!answer) co_return failure_reply(answer.error(), request);
  order_results(answer->results, request.serving->result_order);
  auto reply = success(
      200, "Found " + std::to_string(answer->results.size()) + " results",
      codec::render_results(answer->results, answer->session_id, {answer->partial, answer->degraded}));
  const bool searched = answer->origin == query::Answer::Origin::searched;
  auto& latency = searched ? request.probe->query_miss_ns : request.probe->query_hit_ns;
  latency.record(nanoseconds_since(began));
  co_return reply;
}

}  // namespace holdfast::http
