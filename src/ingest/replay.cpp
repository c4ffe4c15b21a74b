#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>

#include "apply.hpp"
#include "holdfast/base/log.hpp"
#include "holdfast/engine/dead_operations.hpp"
#include "holdfast/engine/message_lookup.hpp"
#include "holdfast/ingest/ingest_path.hpp"
#include "persist.hpp"
#include "way.hpp"

namespace holdfast::ingest {
namespace {

using engine::FailureKind;

// Past this long without a batch settling, a full buffer is looked at again.
constexpr std::chrono::seconds kRoomCheckInterval{1};

Result<void> to_error(const engine::Failure& failure) {
  return retryable("replay cannot ask the store: " + failure.subject);
}

// What is replayed leaves for the store.
void flush_all(UserShard& shard) {
  for (auto* session : shard.table.all_sessions()) {
    shard.flush_loop.request_flush(*session, metrics::FlushReason::replay);
  }
}

// While the store takes nothing, what is added and has no room stays in the journal (Backlog).
asio::awaitable<void> wait_for_room(UserShard& shard, engine::Write write) {
  const auto& breaker = shard.parts.flush.breaker();
  while (!shard.flush_loop.has_room(0) && !(write == engine::Write::add && breaker.open()) &&
         !shard.flush_loop.stopped()) {
    flush_all(shard);
    co_await shard.flush_loop.next_settlement(shard.parts.clock.steady_now() + kRoomCheckInterval);
  }
}

// What changes a message must not overtake it.
asio::awaitable<void> wait_for_backlog(UserShard& shard, const std::string& session_id) {
  for (;;) {
    const auto* session = shard.table.find_session(session_id);
    if (!session || session->backlog.messages == 0 || shard.flush_loop.stopped()) co_return;
    flush_all(shard);
    shard.flush_loop.read_backlog_when_room();
    co_await shard.flush_loop.next_settlement(shard.parts.clock.steady_now() + kRoomCheckInterval);
  }
}

void remember_answer(UserShard& shard, const journal::AppendRecord& record) {
  if (record.idempotency_key.empty()) return;
  const auto& clock = shard.parts.clock;
  const auto now = clock.now();
  if (record.accepted_at <= now - shard.parts.options->idempotency_window) return;
  const auto age = now - std::min(record.accepted_at, now);  // the clock may have been set back
  AddAnswer answer;
  for (const auto& message : record.round.messages) answer.message_ids.push_back(message.id);
  answer.first_seq = record.round.messages.front().seq;
  answer.last_seq = record.round.messages.back().seq;
  auto& keys = shard.idempotency;
  keys.begin(record.user_id, record.idempotency_key, record.request_hash);
  keys.complete(record.user_id, record.idempotency_key, std::move(answer), clock.steady_now() - age);
}

void change_message(UserShard& shard, Message& message, journal::MessageChange to, Timestamp updated_at) {
  message.role = to.role;
  message.content = std::move(to.content);
  message.metadata = std::move(to.metadata);
  message.updated_at = updated_at;
  message.tokens = static_cast<std::uint32_t>(shard.parts.tokens.count(message.content));
}

asio::awaitable<Result<void>> replay_update(UserShard& shard, journal::UpdateRecord record, Lsn lsn,
                                            Done done) {
  std::vector<std::string> ids;
  for (const auto& change : record.changes) ids.push_back(change.id);
  auto existing = co_await engine::find_messages_outside_journal(shard, record.user_id, ids);
  if (!existing) co_return to_error(existing.error());
  if (shard.parts.dead_letters.count() > 0) {  // the change goes to the letter behind the store's answer
    auto call = [&letters = shard.parts.dead_letters, user_id = record.user_id, ids,
                 lsn]() -> Result<std::vector<Message>> {
      return engine::dead_messages(letters, user_id, ids, lsn);
    };
    auto dead =
        co_await runtime::call_blocking(shard.parts.store_pool, shard.parts.options->store_timeout, call);
    if (!dead) co_return to_error(engine::unavailable(dead.error()));
    std::move(dead->begin(), dead->end(), std::back_inserter(*existing));
  }
  auto* session = shard.table.find_session(record.session_id);
  bool applied = false;
  for (auto& change : record.changes) {
    const auto message = std::find_if(existing->begin(), existing->end(),
                                      [&](const Message& known) { return known.id == change.id; });
    if (!session || message == existing->end()) continue;  // erased later on
    change_message(shard, *message, std::move(change), record.updated_at);
    apply_change(shard, *session, {*message}, lsn, done);
    applied = true;
  }
  if (applied) {
    shard.flush_loop.touched(*session);
  } else {
    shard.journal.acknowledge({lsn});
  }
  co_return Result<void>{};
}

void replay_append(UserShard& shard, journal::AppendRecord record, Lsn lsn) {
  auto* session = shard.table.find_session(record.round.session_id);
  session->next_seq = std::max(session->next_seq, record.round.messages.back().seq + 1);
  auto round = engine::to_buffered(std::move(record.round), lsn);
  round.maybe_stored = true;
  apply_round(shard, *session, std::move(round));
  // What was a dead letter comes back among later messages, which are scored with it.
  if (auto* user = shard.table.find_user(session->session.user_id)) shard.table.written(*user);
}

// The session is in the table.
asio::awaitable<Result<void>> apply_record(UserShard& shard, journal::Operation operation, Lsn lsn,
                                           Done done) {
  if (auto* append = std::get_if<journal::AppendRecord>(&operation)) {
    replay_append(shard, std::move(*append), lsn);
  } else if (auto* update = std::get_if<journal::UpdateRecord>(&operation)) {
    co_return co_await replay_update(shard, std::move(*update), lsn, done);
  } else {
    const auto& erase = std::get<journal::EraseRecord>(operation);
    apply_erasures(shard, *shard.table.find_session(erase.session_id), erase.message_ids, lsn, done);
  }
  co_return Result<void>{};
}

// given_up: counts what was owed to a session that the store does not have.
asio::awaitable<Result<void>> replay_record(UserShard& shard, journal::ReplayedRecord record,
                                            std::uint64_t& given_up) {
  if (const auto* append = std::get_if<journal::AppendRecord>(&record.operation)) {
    remember_answer(shard, *append);  // all of it: also of what is dead or stored
  }
  const bool append = std::holds_alternative<journal::AppendRecord>(record.operation);
  if (append && record.stored) co_return Result<void>{};
  if (!engine::leave_out_dead(shard.parts.dead_letters, record.operation, record.lsn)) {
    shard.journal.acknowledge({record.lsn});
    co_return Result<void>{};
  }
  co_await wait_for_room(shard, append ? engine::Write::add : engine::Write::change);
  const std::string session_id = journal::session_of(record.operation);
  if (!append) co_await wait_for_backlog(shard, session_id);
  const auto opened = co_await shard.table.open_session(session_id);
  if (!opened) {
    if (opened.error().kind != FailureKind::not_found) co_return to_error(opened.error());
    shard.journal.acknowledge({record.lsn});  // the session was deleted: nothing of it is owed any more
    if (!record.stored) ++given_up;
    co_return Result<void>{};
  }
  const auto done = record.stored ? Done::before : Done::never;
  co_return co_await apply_record(shard, std::move(record.operation), record.lsn, done);
}

engine::Failure busy_with(const flush::DeadLetter& letter) {
  return {FailureKind::in_progress, engine::Entity::message, letter.message_id};
}

// Why nothing can be done about a dead letter now.
std::optional<engine::Failure> in_the_way(UserShard& shard, const engine::SessionState& session,
                                          const flush::DeadLetter& letter) {
  if (session.backlog.messages > 0) return engine::may_wait_in_journal();
  bool busy = session.writes_under_way > 0 || session.direct_writes > 0;
  const auto* user = shard.table.find_user(letter.user_id);
  busy = busy || (user && user->ids_in_progress.contains(letter.message_id));
  // A change under way may be one of the message, and is shown as if that were there.
  busy = busy || (letter.operation == "insert" && session.buffer.operation_bytes() > 0);
  session.buffer.for_each_erasure([&](std::string_view id) { busy = busy || id == letter.message_id; });
  if (const auto* batch = session.buffer.in_flight()) {  // the one it died in?
    for (const auto lsn : batch->lsns()) {
      busy = busy || flush::dead_letter_id(lsn, letter.message_id) == letter.id;
    }
  }
  if (busy) return busy_with(letter);
  return std::nullopt;
}

// A dead letter's message as readers see it, if they do. The answer holds until the next co_await. Failure,
// among others: in_progress, also when the user wrote something while the store was asked.
asio::awaitable<Outcome<std::optional<Message>>> find_message_of(UserShard& shard, flush::DeadLetter letter) {
  co_await wait_for_room(shard, engine::Write::add);
  const auto opened = co_await shard.table.open_session(letter.session_id);
  if (!opened) co_return opened.error();
  const auto noted = shard.table.insert_user(letter.user_id).writes_noted;
  const std::vector<std::string> ids{letter.message_id};
  auto found = co_await engine::find_messages(shard, letter.user_id, ids);
  if (!found) co_return found.error();
  const auto* session = shard.table.find_session(letter.session_id);
  if (!session) co_return engine::not_found(engine::Entity::session, letter.session_id);
  if (auto busy = in_the_way(shard, *session, letter)) co_return std::move(*busy);
  if (shard.table.insert_user(letter.user_id).writes_noted != noted) co_return busy_with(letter);
  std::optional<Message> message;
  if (!found->empty()) message = std::move(found->front());
  co_return message;
}

// Journalled and applied without a wait between looking at the letter and journalling, and none before it is
// applied. message: of an update, as it is now.
asio::awaitable<Outcome<void>> take_in(UserShard& shard, const std::string& session_id,
                                       journal::Operation operation, std::optional<Message> message) {
  using Kind = UnderWay::Kind;
  const auto kind = std::holds_alternative<journal::AppendRecord>(operation)   ? Kind::add
                    : std::holds_alternative<journal::UpdateRecord>(operation) ? Kind::update
                                                                               : Kind::erasure;
  const UnderWay under_way(shard, session_id, engine::Mode::buffer, kind);
  const auto lsn = co_await journal_operation(shard, operation);
  if (!lsn) co_return lsn.error();
  auto* session = shard.table.find_session(session_id);
  if (!session) {
    shard.journal.acknowledge({*lsn});
    co_return engine::not_found(engine::Entity::session, session_id);
  }
  if (auto* update = std::get_if<journal::UpdateRecord>(&operation)) {
    change_message(shard, *message, std::move(update->changes.front()), update->updated_at);
    apply_change(shard, *session, {std::move(*message)}, *lsn);
  } else if (auto* append = std::get_if<journal::AppendRecord>(&operation)) {
    replay_append(shard, std::move(*append), *lsn);
  } else {
    apply_erasures(shard, *session, std::get<journal::EraseRecord>(operation).message_ids, *lsn);
  }
  shard.flush_loop.request_flush(*session, metrics::FlushReason::request);
  co_return Outcome<void>{};
}

}  // namespace

asio::awaitable<Result<void>> replay(UserShard& shard, std::vector<journal::ReplayedRecord> records) {
  const engine::FlushLoop::KeepCopies keep(shard.flush_loop);
  std::uint64_t given_up = 0;
  for (auto& record : records) {
    const auto replayed = co_await replay_record(shard, std::move(record), given_up);
    if (!replayed) co_return replayed;
  }
  if (given_up > 0) {
    log::warn(
        "{} operations in the journal are of sessions that the store does not have, and are given up: they "
        "were "
        "deleted, or this is an older copy of the store",
        given_up);
  }
  co_return Result<void>{};
}

asio::awaitable<Outcome<void>> resubmit(UserShard& shard, flush::DeadLetter letter) {
  auto operation = journal::decode(static_cast<journal::RecordType>(letter.type), letter.payload);
  if (!operation) co_return engine::unavailable(operation.error());
  auto seen = co_await find_message_of(shard, letter);
  if (!seen) co_return seen.error();
  auto& current = *seen;
  engine::Failure conflict{FailureKind::id_conflict, engine::Entity::message, letter.message_id};
  if (const auto* append = std::get_if<journal::AppendRecord>(&*operation); append && current) {
    const auto& message = append->round.messages.front();
    const bool same = current->session_id == letter.session_id && current->content == message.content;
    if (!same) co_return conflict;
    co_return Outcome<void>{};  // an earlier try got so far
  }
  if (const auto* update = std::get_if<journal::UpdateRecord>(&*operation)) {
    if (!current || current->session_id != letter.session_id) co_return Outcome<void>{};  // deleted since
    if (current->updated_at > update->updated_at) co_return conflict;
  }
  co_return co_await take_in(shard, letter.session_id, std::move(*operation), std::move(current));
}

asio::awaitable<Outcome<void>> discard(UserShard& shard, flush::DeadLetter letter) {
  auto seen = co_await find_message_of(shard, letter);
  if (!seen && seen.error().kind == FailureKind::not_found) co_return Outcome<void>{};
  if (!seen) co_return seen.error();
  auto& current = *seen;
  const bool added_again =
      current && (letter.operation == "insert" || current->session_id != letter.session_id);
  const bool deleted = !current && letter.operation != "insert";
  if (added_again || deleted) co_return Outcome<void>{};
  journal::Operation newer = journal::EraseRecord{letter.user_id, letter.session_id, {letter.message_id}};
  if (current) {
    newer = journal::UpdateRecord{letter.user_id,
                                  letter.session_id,
                                  current->updated_at,
                                  {{current->id, current->role, current->content, current->metadata}}};
  }
  co_return co_await take_in(shard, letter.session_id, std::move(newer), std::move(current));
}

}  // namespace holdfast::ingest
