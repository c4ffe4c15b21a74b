#include "holdfast/http/access_keys.hpp"
#include "holdfast/http/codec/render.hpp"
#include "route_functions.hpp"

namespace holdfast::http {
namespace {

using engine::Entity;
using engine::Failure;
using engine::FailureKind;

std::string_view word(Entity entity) {
  switch (entity) {
    case Entity::user:
      return "User";
    case Entity::agent:
      return "Agent";
    case Entity::session:
      return "Session";
    case Entity::knowledge:
      return "Knowledge item";
    case Entity::dead_letter:
      return "Dead letter";
    case Entity::message:
      break;
  }
  return "Message";
}

std::string_view id_field(Entity entity) {
  switch (entity) {
    case Entity::user:
      return "user_id";
    case Entity::agent:
      return "agent_id";
    case Entity::session:
      return "session_id";
    case Entity::knowledge:
      return "knowledge_ids";
    case Entity::dead_letter:
      return "id";
    case Entity::message:
      break;
  }
  return "message_ids";
}

struct Words {
  unsigned status;
  std::string_view field;
  std::string message;
};

Words words_of(const Failure& failure) {
  const std::string entity(word(failure.entity));
  const auto quoted = "'" + failure.subject + "'";
  switch (failure.kind) {
    case FailureKind::not_found:
      return {404, id_field(failure.entity), entity + " with ID " + quoted + " not found"};
    case FailureKind::name_not_found:
      return {404, "name", entity + " with name " + quoted + " not found"};
    case FailureKind::name_taken:
      return {400, "name", entity + " with name " + quoted + " already exists"};
    case FailureKind::id_conflict:
      return {409, "id", "A message with ID " + quoted + " exists with other content"};
    case FailureKind::in_progress:
      return {409, "id", "A request with " + quoted + " is still being processed"};
    case FailureKind::key_reused:
      return {422, "Idempotency-Key", "The idempotency key " + quoted + " was used with another request"};
    case FailureKind::over_quota:
      return {429, "", "Too much at once, try again later: " + failure.subject};
    case FailureKind::overloaded:
      return {503, "", "Overloaded, try again later: " + failure.subject};
    case FailureKind::unavailable:
      break;
  }
  return {503, "", "Temporarily unavailable: " + failure.subject};
}

}  // namespace

Reply success(unsigned status, std::string_view message, std::string_view data) {
  return {status, codec::render_success(status, message, data), "application/json", {}};
}

std::string failure_message(const Failure& failure) {
  return words_of(failure).message;
}

Reply failure_reply(const Failure& failure, const Request& request) {
  auto words = words_of(failure);
  std::vector<codec::ParameterError> errors;
  if (!words.field.empty()) errors.push_back({std::string(words.field), words.message});
  Reply reply{words.status, codec::render_error(words.status, words.message, errors), "application/json", {}};
  if (words.status == 503 || words.status == 429) {
    request.probe->refused[failure.reason].add();
    reply.headers.emplace_back("Retry-After", "1");
  }
  return reply;
}

bool may_see(const Request& request, std::string_view user_id) {
  return !request.principal || request.principal->may_see(user_id);
}

Reply body_error_reply(const codec::BodyErrors& errors) {
  if (!errors.too_large.empty())
    return {413, codec::render_error(413, errors.too_large, {}), "application/json", {}};
  return {422, codec::render_body_errors(errors), "application/json", {}};
}

Reply parameter_error_reply(const codec::ParameterError& error) {
  return {400, codec::render_error(400, error.message, std::span(&error, 1)), "application/json", {}};
}

}  // namespace holdfast::http
