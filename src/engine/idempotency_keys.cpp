#include "holdfast/engine/idempotency_keys.hpp"

#include <algorithm>
#include <utility>

namespace holdfast::engine {
namespace {

// What the containers and the allocator take for a key, an id and a user, beside the texts.
constexpr std::size_t kKeyOverhead = 288;
constexpr std::size_t kIdOverhead = sizeof(std::string) + 16;
constexpr std::size_t kUserOverhead = 448;

std::size_t bytes_of(std::string_view key, const AddAnswer& answer) {
  auto bytes = kKeyOverhead + key.size();
  for (const auto& id : answer.message_ids) bytes += id.size() + kIdOverhead;
  return bytes;
}

}  // namespace

IdempotencyKeys::~IdempotencyKeys() {
  for (const auto& answered : answered_) probe_.idempotency_bytes.subtract(answered.bytes);
  probe_.idempotency_bytes.subtract(users_.size() * kUserOverhead);
}

const IdempotencyKeys::Entry* IdempotencyKeys::find(std::string_view user_id, std::string_view key,
                                                    SteadyTime now) const {
  const auto user = users_.find(user_id);
  if (user == users_.end()) return nullptr;
  const auto found = user->second.entries.find(key);
  if (found == user->second.entries.end()) return nullptr;
  const auto& entry = found->second;
  return is_over(entry, now) ? nullptr : &entry;
}

void IdempotencyKeys::begin(const std::string& user_id, const std::string& key, std::uint64_t request_hash) {
  const auto [user, is_new_user] = users_.try_emplace(user_id);
  if (is_new_user) probe_.idempotency_bytes.add(kUserOverhead);
  auto& [entries, order, bytes] = user->second;
  const auto [entry, is_new] = entries.try_emplace(key);
  if (!is_new) {  // too old to be found, or read from the journal twice: used again after it was forgotten
    const auto earlier =
        std::find_if(order.begin(), order.end(), [&](Place place) { return place->key->first == key; });
    if (earlier != order.end()) {
      drop(user->second, *earlier);
      order.erase(earlier);
    }
  }
  entry->second = {request_hash, std::nullopt, {}};
}

void IdempotencyKeys::complete(std::string_view user_id, std::string_view key, AddAnswer answer,
                               SteadyTime at) {
  forget_expired(at, 2);  // so that they do not pile up between the monitor's visits
  const auto user = users_.find(user_id);
  if (user == users_.end()) return;
  auto& [entries, order, held] = user->second;
  const auto found = entries.find(key);
  if (found == entries.end() || found->second.answer) return;
  const auto bytes = bytes_of(key, answer);
  answer.replayed = true;
  found->second.answer = std::move(answer);
  found->second.answered_at = at;
  order.push_back(answered_.insert(answered_.end(), {&user->first, &*found, bytes}));
  held += bytes;
  probe_.idempotency_bytes.add(bytes);
  while (order.size() > 1 && (order.size() > kKeysOfUser || held > options_.max_bytes / 4)) {
    forget_for_room(user, at);
  }
  trim(at);
}

void IdempotencyKeys::abandon(std::string_view user_id, std::string_view key) {
  const auto user = users_.find(user_id);
  if (user == users_.end()) return;
  auto& entries = user->second.entries;
  const auto found = entries.find(key);
  if (found == entries.end() || found->second.answer) return;
  entries.erase(found);
  erase_if_empty(user);
}

void IdempotencyKeys::forget_user(std::string_view user_id) {
  const auto user = users_.find(user_id);
  if (user == users_.end()) return;
  for (const auto place : user->second.answered) drop(user->second, place);
  user->second.entries.clear();
  erase_if_empty(user);
}

bool IdempotencyKeys::forget_expired(SteadyTime now, std::size_t most) {
  const auto more = [&] { return !answered_.empty() && is_over(answered_.front().key->second, now); };
  for (; most > 0 && more(); --most) forget_oldest(user_of_oldest());
  return more();
}

void IdempotencyKeys::reconfigure(Options options, SteadyTime now) {
  options_ = options;
  trim(now);
}

void IdempotencyKeys::trim(SteadyTime now) {
  while (answered_.size() > 1 && probe_.idempotency_bytes.value() > options_.max_bytes) {
    forget_for_room(user_of_oldest(), now);
  }
}

bool IdempotencyKeys::is_over(const Entry& entry, SteadyTime now) const {
  return entry.answer && now - entry.answered_at >= options_.window;
}

void IdempotencyKeys::forget_for_room(User user, SteadyTime now) {
  if (!is_over(user->second.answered.front()->key->second, now)) probe_.idempotency_forgotten.add();
  forget_oldest(user);
}

void IdempotencyKeys::forget_oldest(User user) {
  auto& [entries, order, bytes] = user->second;
  const auto place = order.front();
  order.pop_front();
  const auto entry = entries.find(place->key->first);
  drop(user->second, place);
  entries.erase(entry);
  erase_if_empty(user);
}

void IdempotencyKeys::drop(OfUser& user, Place place) {
  user.bytes -= place->bytes;
  probe_.idempotency_bytes.subtract(place->bytes);
  answered_.erase(place);
}

void IdempotencyKeys::erase_if_empty(User user) {
  if (!user->second.entries.empty()) return;
  probe_.idempotency_bytes.subtract(kUserOverhead);
  users_.erase(user);
}

}  // namespace holdfast::engine
