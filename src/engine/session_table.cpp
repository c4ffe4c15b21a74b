#include "holdfast/engine/session_table.hpp"

#include <algorithm>
#include <utility>

namespace holdfast::engine {
namespace {

// A shard keeps about this many catalogue entries of each kind (≤ 1 KiB each) without anything buffered.
// Which idle ones go does not matter (each is one read of the store away); a hundredth goes at a time, so
// that the walk is rare.
constexpr std::size_t kMaxEntries = 100'000;

template <class Map, class IsIdle, class BeforeErase>
void evict(Map& entries, IsIdle is_idle, BeforeErase before_erase) {
  if (entries.size() < kMaxEntries) return;
  std::size_t left = kMaxEntries / 100;
  for (auto entry = entries.begin(); entry != entries.end() && left > 0;) {
    if (!is_idle(entry->second)) {
      ++entry;
      continue;
    }
    before_erase(entry->second);
    entry = entries.erase(entry);
    --left;
  }
}

// With its id, hash and links it is 640 bytes, which the allocator has a size for; the next is 768.
static_assert(sizeof(SessionState) <= 592);

}  // namespace

SessionState* SessionTable::find_session(std::string_view id) {
  const auto found = sessions_.find(id);
  return found == sessions_.end() ? nullptr : &found->second;
}

UserState* SessionTable::find_user(std::string_view id) {
  const auto found = users_.find(id);
  return found == users_.end() ? nullptr : &found->second;
}

asio::awaitable<Outcome<SessionState*>> SessionTable::open_session(std::string id) {
  if (auto* known = find_session(id)) co_return known;
  auto& store = parts_.store;
  auto call = [&store, id] { return store.session(id); };
  auto entry = co_await runtime::call_blocking(parts_.store_pool, parts_.options->store_timeout, call);
  if (!entry) co_return unavailable(entry.error());
  if (!*entry) co_return not_found(Entity::session, std::move(id));
  co_return &insert(std::move((*entry)->session), (*entry)->last_seq);
}

asio::awaitable<Outcome<UserState*>> SessionTable::open_user(std::string id) {
  if (auto* known = find_user(id)) co_return known;
  auto& store = parts_.store;
  auto call = [&store, id] { return store.user(id); };
  auto entry = co_await runtime::call_blocking(parts_.store_pool, parts_.options->store_timeout, call);
  if (!entry) co_return unavailable(entry.error());
  if (!*entry) co_return not_found(Entity::user, std::move(id));
  co_return &insert_user(id);
}

SessionState& SessionTable::insert(Session session, std::uint64_t last_seq) {
  if (auto* known = find_session(session.id)) return *known;
  evict_idle_sessions();
  auto& user = insert_user(session.user_id);
  std::string id = session.id;
  auto& state =
      sessions_.try_emplace(std::move(id), std::move(session), last_seq, buffer_options_).first->second;
  user.sessions.insert(&state);
  return state;
}

UserState& SessionTable::insert_user(std::string_view id) {
  if (auto* known = find_user(id)) return *known;
  evict_idle_users();
  auto& user = users_.try_emplace(std::string(id), probe_.feature_bytes).first->second;
  user.id = id;
  written(user);
  return user;
}

void SessionTable::erase_session(SessionState& session) {
  if (auto* user = find_user(session.session.user_id)) user->sessions.erase(&session);
  sessions_.erase(sessions_.find(session.session.id));
}

void SessionTable::erase_user(UserState& user) {
  if (user.held_bytes > 0) --holders_;
  for (auto* session : user.sessions) sessions_.erase(sessions_.find(session->session.id));
  users_.erase(users_.find(user.id));
}

void SessionTable::changed_with_next(UserState& user, const SessionState& session, std::uint64_t seq,
                                     std::string_view id) {
  const auto most = std::min<std::uint64_t>(text::kContextWeights.size(), session.next_seq - 1 - seq);
  std::vector<std::string> next;
  session.buffer.for_each([&](metrics::Stage, const Message& message) {
    if (message.seq > seq && message.seq - seq <= most) next.push_back(message.id);
  });
  if (next.size() < most) return written(user);
  changed(user, id);
  for (const auto& behind : next) changed(user, behind);
}

std::vector<SessionState*> SessionTable::all_sessions() {
  std::vector<SessionState*> all;
  all.reserve(sessions_.size());
  for (auto& [id, session] : sessions_) all.push_back(&session);
  return all;
}

void SessionTable::reconfigure(const buffer::Options& options) {
  buffer_options_ = options;
}

void SessionTable::hold(UserState& user, std::size_t messages, std::size_t bytes) {
  bytes += messages * kMessageOverhead;
  if (user.held_bytes == 0 && bytes > 0) ++holders_;
  user.held_messages += messages;
  user.held_bytes += bytes;
}

void SessionTable::release(UserState& user, std::size_t messages, std::size_t bytes) {
  if (user.held_bytes == 0) return;
  user.held_messages -= std::min(messages, user.held_messages);
  user.held_bytes -= std::min(bytes + messages * kMessageOverhead, user.held_bytes);
  if (user.held_bytes == 0) --holders_;
}

void SessionTable::evict_idle_sessions() {
  evict(
      sessions_, [](const SessionState& session) { return session.idle(); },
      [this](SessionState& session) {
        if (auto* user = find_user(session.session.user_id)) user->sessions.erase(&session);
      });
}

void SessionTable::evict_idle_users() {
  evict(
      users_, [](const UserState& user) { return user.sessions.empty() && user.ids_in_progress.empty(); },
      [](UserState&) {});
}

}  // namespace holdfast::engine
