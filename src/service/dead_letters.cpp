#include <utility>

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

// It may be gone by now: with the erasure of its message, or by another request.
asio::awaitable<Outcome<void>> MemoryService::remove_dead_letter(std::string id) {
  auto call = [&letters = parts_.dead_letters, id] { return letters.remove(id); };
  const auto removed = co_await ask_store(parts_, call);
  if (!removed) co_return removed.error();
  co_return Outcome<void>{};
}

asio::awaitable<Outcome<void>> MemoryService::retry_dead_letter(std::string id) {
  auto letter = co_await find_dead_letter(id);
  if (!letter) co_return letter.error();
  auto& owner = user_owner(letter->user_id);
  const auto taken = co_await runtime::hop(owner.executor, ingest::resubmit(owner, std::move(*letter)));
  if (!taken) co_return taken.error();
  co_return co_await remove_dead_letter(std::move(id));
}

asio::awaitable<Outcome<void>> MemoryService::erase_dead_letter(std::string id) {
  auto letter = co_await find_dead_letter(id);
  if (!letter) co_return letter.error();
  auto& owner = user_owner(letter->user_id);
  const auto erased = co_await runtime::hop(owner.executor, ingest::discard(owner, std::move(*letter)));
  if (!erased) co_return erased.error();
  co_return co_await remove_dead_letter(std::move(id));
}

}  // namespace holdfast::service
