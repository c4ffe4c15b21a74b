#include "holdfast/engine/backlog.hpp"

#include <algorithm>
#include <utility>

#include "holdfast/base/ids.hpp"
#include "holdfast/engine/dead_operations.hpp"

namespace holdfast::engine {
namespace {

// Reading goes on in the background; nobody waits for it.
constexpr std::chrono::minutes kReadAtMost{10};

// Ids kept of what is only in the journal, 40 bytes each. A user has at most a ninth of the room that is left
// (5,000 alone); who has more leaves it to others, so there is always some for who writes little beside a
// flood. (Dynamic thresholds: Choudhury and Hahne, IEEE/ACM Transactions on Networking 6(2), 1998.)
constexpr std::size_t kMostIds = 50'000, kPartOfRoom = 9;

std::size_t hash_of(std::string_view id) {
  return std::hash<std::string_view>{}(id);
}

}  // namespace

void Backlog::take(SessionState& session, const buffer::BufferedRound& round) {
  if (empty() || round.lsn <= read_until_.lsn) read_until_ = {0, 0, round.lsn - 1};
  last_ = std::max(last_, round.lsn);
  auto& waits = session.backlog;
  waits.next = waits.messages == 0 ? round.lsn : std::min(waits.next, round.lsn);
  ++waits.rounds;
  waits.messages += round.messages.size();
  waits.bytes += round.bytes();
  auto& user = table_.insert_user(session.session.user_id);
  user.backlog_bytes += round.bytes();
  keep_ids(user, round);
  probe_.backlog_messages.add(round.messages.size());
}

asio::awaitable<Result<std::vector<journal::ReplayedRecord>>> Backlog::read(std::size_t bytes) {
  struct Chunk {
    std::vector<journal::ReplayedRecord> records;
    journal::ReadPosition next;
  };
  auto call = [&journal = parts_.journal, from = read_until_, last = last_, shard = shard_,
               count = shard_count_, bytes]() -> Result<Chunk> {
    Chunk chunk;
    std::size_t taken = 0;
    const auto visit = [&](journal::ReplayedRecord record) {
      const auto& append = std::get<journal::AppendRecord>(record.operation);
      if (route_key(append.user_id) % count != shard) return true;
      for (const auto& message : append.round.messages) taken += text_bytes(message) + kMessageOverhead;
      chunk.records.push_back(std::move(record));
      return taken < bytes;
    };
    auto next = journal.read(from, last, visit);
    if (!next) return next.error();
    chunk.next = *next;
    return chunk;
  };
  auto chunk = co_await runtime::call_blocking(parts_.store_pool, kReadAtMost, call);
  if (!chunk) co_return chunk.error();
  read_until_ = chunk->next;
  std::erase_if(chunk->records, [&](journal::ReplayedRecord& record) {
    if (!leave_out_dead(parts_.dead_letters, record.operation, record.lsn)) return true;
    const auto* session =
        table_.find_session(std::get<journal::AppendRecord>(record.operation).round.session_id);
    return session && (session->backlog.rounds == 0 || record.lsn < session->backlog.next);
  });
  co_return std::move(chunk->records);
}

bool Backlog::give_back(const journal::ReplayedRecord& record) {
  const auto& round = std::get<journal::AppendRecord>(record.operation).round;
  auto* session = table_.find_session(round.session_id);
  if (!session) return false;
  std::size_t bytes = 0;
  for (const auto& message : round.messages) bytes += text_bytes(message);
  auto& waits = session->backlog;
  waits.next = record.lsn + 1;
  waits.rounds -= std::min<std::uint64_t>(1, waits.rounds);
  // Of a dead letter that was deleted meanwhile there is more than was taken. Each later round has its own.
  const auto messages = waits.rounds == 0
                            ? waits.messages
                            : std::min<std::uint64_t>(round.messages.size(), waits.messages - waits.rounds);
  bytes = waits.rounds == 0 ? waits.bytes : std::min<std::size_t>(bytes, waits.bytes - waits.rounds);
  waits.messages -= messages;
  waits.bytes -= bytes;
  leave(table_.insert_user(session->session.user_id), bytes);
  probe_.backlog_messages.subtract(messages);
  return true;
}

bool Backlog::may_hold(const UserState& user, std::string_view id) const {
  return user.backlog_bytes > 0 && (!user.backlog_ids_known || user.backlog_ids.contains(hash_of(id)));
}

void Backlog::keep_ids(UserState& user, const buffer::BufferedRound& round) {
  if (!user.backlog_ids_known) return;
  const auto more = round.messages.size();
  if (user.backlog_ids.size() + more > (kMostIds - kept_ids_) / kPartOfRoom) {
    drop_ids(user);
    user.backlog_ids_known = false;
    return;
  }
  for (const auto& message : round.messages) {
    kept_ids_ += user.backlog_ids.insert(hash_of(message.message.id)).second ? 1 : 0;
  }
}

void Backlog::drop_ids(UserState& user) {
  kept_ids_ -= user.backlog_ids.size();
  user.backlog_ids = {};
}

void Backlog::leave(UserState& user, std::size_t bytes) {
  user.backlog_bytes -= bytes;
  if (user.backlog_bytes > 0) return;
  drop_ids(user);
  user.backlog_ids_known = true;
}

void Backlog::forget(SessionState& session) {
  leave(table_.insert_user(session.session.user_id), session.backlog.bytes);
  probe_.backlog_messages.subtract(session.backlog.messages);
  session.backlog = {};
}

}  // namespace holdfast::engine
