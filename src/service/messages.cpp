#include <utility>

#include "holdfast/engine/message_lookup.hpp"
#include "holdfast/service/memory_service.hpp"

namespace holdfast::service {

using engine::Entity;

asio::awaitable<Outcome<AddAnswer>> MemoryService::add_messages(ingest::AddRequest request) {
  auto* owner = session_owner(request.session_id);
  if (!owner) co_return engine::not_found(Entity::session, std::move(request.session_id));
  co_return co_await runtime::hop(owner->executor, ingest::add_messages(*owner, std::move(request)));
}

asio::awaitable<Outcome<std::vector<Message>>> MemoryService::list_messages(query::Listing listing) {
  auto* owner = session_owner(listing.what.session_id);
  if (!owner) co_return engine::not_found(Entity::session, std::move(listing.what.session_id));
  co_return co_await runtime::hop(owner->executor, query::list_messages(*owner, std::move(listing)));
}

asio::awaitable<Outcome<std::vector<Message>>> MemoryService::read_messages(std::string session_id,
                                                                            std::vector<std::string> ids) {
  auto* owner = session_owner(session_id);
  if (!owner) co_return engine::not_found(Entity::session, std::move(session_id));
  co_return co_await runtime::hop(owner->executor,
                                  engine::require_messages(*owner, std::move(session_id), std::move(ids)));
}

asio::awaitable<Outcome<std::vector<std::string>>> MemoryService::update_messages(
    std::string session_id, std::vector<ingest::MessageUpdate> updates) {
  auto* owner = session_owner(session_id);
  if (!owner) co_return engine::not_found(Entity::session, std::move(session_id));
  co_return co_await runtime::hop(owner->executor,
                                  ingest::update_messages(*owner, std::move(session_id), std::move(updates)));
}

asio::awaitable<Outcome<std::vector<std::string>>> MemoryService::erase_messages(
    std::string session_id, std::vector<std::string> ids) {
  auto* owner = session_owner(session_id);
  if (!owner) co_return engine::not_found(Entity::session, std::move(session_id));
  co_return co_await runtime::hop(owner->executor,
                                  ingest::erase_messages(*owner, std::move(session_id), std::move(ids)));
}

asio::awaitable<Outcome<query::Answer>> MemoryService::query(Query query) {
  auto& owner = user_owner(query.user_id);
  co_return co_await runtime::hop(owner.executor, query::answer_query(owner, std::move(query)));
}

}  // namespace holdfast::service
