#include "holdfast/engine/idempotency_keys.hpp"

#include <algorithm>
#include <utility>

namespace holdfast::engine {
namespace {

// The entry, its place in the order and what the containers and the allocator add.
constexpr std::size_t kEntryOverhead = 384;
constexpr std::size_t kIdOverhead = sizeof(std::string) + 16;

std::size_t bytes_of(std::string_view user_id, std::string_view key, const AddAnswer& answer) {
  auto bytes = kEntryOverhead + user_id.size() + 2 * key.size();
  for (const auto& id : answer.message_ids) bytes += id.size() + kIdOverhead;
  return bytes;
}

}  // namespace

IdempotencyKeys::~IdempotencyKeys() {
  for (const auto& answered : answered_) bytes_.subtract(answered.bytes);
}

const IdempotencyKeys::Entry* IdempotencyKeys::find(std::string_view user_id, std::string_view key) const {
  const auto user = users_.find(user_id);
  if (user == users_.end()) return nullptr;
  const auto found = user->second.entries.find(key);
  return found == user->second.entries.end() ? nullptr : &found->second;
}

void IdempotencyKeys::begin(const std::string& user_id, const std::string& key, std::uint64_t request_hash) {
  auto& user = users_[user_id];
  const auto [entry, is_new] = user.entries.try_emplace(key);
  if (!is_new) {  // read from the journal twice: it had been forgotten before it was used again
    auto& order = user.answered;
    const auto earlier =
        std::find_if(order.begin(), order.end(), [&](Place place) { return place->key == key; });
    if (earlier != order.end()) {
      drop(user, *earlier);
      order.erase(earlier);
    }
  }
  entry->second = {request_hash, std::nullopt};
}

void IdempotencyKeys::complete(std::string_view user_id, std::string_view key, AddAnswer answer,
                               SteadyTime now) {
  const auto user = users_.find(user_id);
  if (user == users_.end()) return;
  auto& [entries, held, order] = user->second;
  const auto found = entries.find(key);
  if (found == entries.end()) return;
  const auto bytes = bytes_of(user_id, key, answer);
  answer.replayed = true;
  found->second.answer = std::move(answer);
  order.push_back(answered_.insert(answered_.end(), {std::string(user_id), std::string(key), now, bytes}));
  held += bytes;
  bytes_.add(bytes);
  while (order.size() > 1 && (order.size() > kKeysOfUser || held > options_.max_bytes / 4)) {
    forget_oldest(user);
  }
  while (answered_.size() > 1 && bytes_.value() > options_.max_bytes) {
    forget_oldest(users_.find(answered_.front().user_id));
  }
  forget_expired(now);
}

void IdempotencyKeys::abandon(std::string_view user_id, std::string_view key) {
  const auto user = users_.find(user_id);
  if (user == users_.end()) return;
  auto& entries = user->second.entries;
  const auto found = entries.find(key);
  if (found == entries.end() || found->second.answer) return;
  entries.erase(found);
  if (entries.empty()) users_.erase(user);
}

void IdempotencyKeys::forget_user(std::string_view user_id) {
  const auto user = users_.find(user_id);
  if (user == users_.end()) return;
  for (const auto place : user->second.answered) drop(user->second, place);
  users_.erase(user);
}

void IdempotencyKeys::forget_expired(SteadyTime now) {
  while (!answered_.empty() && now - answered_.front().at >= options_.window) {
    forget_oldest(users_.find(answered_.front().user_id));
  }
}

void IdempotencyKeys::forget_oldest(StringMap<OfUser>::iterator user) {
  auto& [entries, bytes, order] = user->second;
  const auto place = order.front();
  order.pop_front();
  entries.erase(entries.find(place->key));
  drop(user->second, place);
  if (entries.empty()) users_.erase(user);
}

void IdempotencyKeys::drop(OfUser& user, Place place) {
  user.bytes -= place->bytes;
  bytes_.subtract(place->bytes);
  answered_.erase(place);
}

}  // namespace holdfast::engine
