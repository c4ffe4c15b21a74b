#include <utility>

#include "holdfast/engine/message_lookup.hpp"
#include "holdfast/service/memory_service.hpp"
#include "store_call.hpp"

namespace holdfast::service {

using engine::Entity;

// The letters are read and written on the store's threads: a letter's file is synced under their lock.
asio::awaitable<Outcome<DeadLetterList>> MemoryService::list_dead_letters(std::size_t limit) {
  auto call = [&letters = parts_.dead_letters, limit]() -> Result<DeadLetterList> {
    return DeadLetterList{letters.list(limit), letters.count()};
  };
  co_return co_await ask_store(parts_, call);
}

asio::awaitable<Outcome<flush::DeadLetter>> MemoryService::find_dead_letter(std::string id) {
  auto call = [&letters = parts_.dead_letters, id] { return letters.find(id); };
  auto letter = co_await ask_store(parts_, call);
  if (!letter) co_return letter.error();
  if (!*letter) co_return engine::not_found(Entity::dead_letter, id);
  co_return std::move(**letter);
}

asio::awaitable<Outcome<void>> MemoryService::remove_dead_letter(std::string id) {
  auto call = [&letters = parts_.dead_letters, id] { return letters.remove(id); };
  const auto removed = co_await ask_store(parts_, call);
  if (!removed) co_return removed.error();
  if (!*removed) co_return engine::not_found(Entity::dead_letter, std::move(id));
  co_return Outcome<void>{};
}

asio::awaitable<Outcome<void>> MemoryService::retry_dead_letter(std::string id) {
  auto letter = co_await find_dead_letter(id);
  if (!letter) co_return letter.error();
  auto operation = journal::decode(static_cast<journal::RecordType>(letter->type), letter->payload);
  if (!operation) co_return engine::unavailable(operation.error());
  auto& owner = user_owner(letter->user_id);
  const auto taken = co_await runtime::hop(owner.executor, ingest::resubmit(owner, std::move(*operation)));
  if (!taken) co_return taken.error();
  co_return co_await remove_dead_letter(std::move(id));
}

// The journal may still hold what became the letter, and a restart would bring that back: so it is erased
// there first, unless the client has added the message again.
asio::awaitable<Outcome<void>> MemoryService::erase_dead_letter(std::string id) {
  auto letter = co_await find_dead_letter(id);
  if (!letter) co_return letter.error();
  if (letter->operation == "insert") {
    journal::Operation erasure =
        journal::EraseRecord{letter->user_id, letter->session_id, {letter->message_id}};
    auto& owner = user_owner(letter->user_id);
    const std::vector<std::string> ids{letter->message_id};
    auto looking = engine::find_messages(owner, letter->user_id, ids);
    const auto existing = co_await runtime::hop(owner.executor, std::move(looking));
    if (!existing) co_return existing.error();
    if (!existing->empty()) co_return co_await remove_dead_letter(std::move(id));
    const auto erased = co_await runtime::hop(owner.executor, ingest::resubmit(owner, std::move(erasure)));
    if (!erased && erased.error().kind != engine::FailureKind::not_found) co_return erased.error();
  }
  co_return co_await remove_dead_letter(std::move(id));
}

}  // namespace holdfast::service
