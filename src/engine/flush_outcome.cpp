// What the flush loop does with a worker's answer.
#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

#include "batch_in_flight.hpp"
#include "holdfast/base/failpoint.hpp"
#include "holdfast/base/ids.hpp"
#include "holdfast/base/log.hpp"
#include "holdfast/engine/dead_operations.hpp"
#include "holdfast/engine/flush_loop.hpp"
#include "holdfast/flush/retry_policy.hpp"

namespace holdfast::engine {
namespace {

using metrics::Stage;

constexpr std::chrono::seconds kFailureLogInterval{5};
constexpr unsigned kMostDeadInARow = 10;

std::uint64_t random_bits() {
  return route_key(random_hex(16)) << 32 ^ route_key(random_hex(16));
}

// An add's LSN is of one round alone; only a change's may be of several messages.
bool has_changes(const buffer::Batch& batch) {
  return !batch.operations.empty() ||
         std::any_of(batch.rounds.begin(), batch.rounds.end(),
                     [](const auto& round) { return !round.change_lsns.empty(); });
}

}  // namespace

void FlushLoop::tell_breaker(const Result<void>& answer) {
  if (answer || answer.error().kind == ErrorKind::permanent) {
    if (parts_.flush.breaker().succeeded()) log::info("the store takes batches again");
  } else if (parts_.flush.breaker().failed(parts_.clock.steady_now(), random_bits())) {
    log::warn("the store takes nothing ({}): messages are kept in the journal until it does",
              answer.error().message);
  }
}

void FlushLoop::settled(const std::string& session_id, const std::vector<Lsn>& lsns, Result<void> answer) {
  tell_breaker(answer);
  if (auto* session = table_.find_session(session_id)) {
    session->with_worker = false;
    if (answer) {
      accepted(*session);
    } else if (answer.error().kind == ErrorKind::permanent) {
      refused(*session, answer.error());
    } else {
      failed(*session, answer.error());
    }
    touched(*session);
  } else {
    journal_.acknowledge(lsns);  // deleted meanwhile: nothing of it is owed any more
  }
  serve_waiting();
  if (answer) read_backlog_when_room();
  wake_waiters();
}

void FlushLoop::accepted(SessionState& session) {
  if (session.verification == SessionState::Verification::due) {
    session.verification = SessionState::Verification::passed;
    return;  // so the part it was refused for is tried again, and split or given up when refused again
  }
  parts_.flush.dead_in_a_row().store(0, std::memory_order_relaxed);
  session.attempts = 0;
  session.bisection->accepted();
  if (session.bisection->done()) all_accepted(session);
}

void FlushLoop::refused(SessionState& session, const Error& error) {
  using Verification = SessionState::Verification;
  if (session.verification == Verification::due) {
    session.verification = Verification::none;
    failed(session, error);
    asio::co_spawn(executor_, check_session_exists(session.session.id),
                   [](const std::exception_ptr& problem) {
                     if (problem) log::error("checking a refused session ended in an exception");
                   });
  } else if (session.verification == Verification::none) {
    session.verification = Verification::due;
  } else if (!session.bisection->refused()) {
    bury(session, error.message);
  }
}

// What changed or deleted a message whose insert has become a dead letter meanwhile is done to the letter,
// too.
void FlushLoop::all_accepted(SessionState& session) {
  if (parts_.dead_letters.count() == 0 || session.buffer.in_flight()->operations.empty())
    return stored(session);
  session.with_worker = true;  // nothing else of it goes meanwhile
  asio::co_spawn(executor_, change_letters(session.session.id), [](const std::exception_ptr& problem) {
    if (problem) log::error("changing a dead letter ended in an exception");
  });
}

asio::awaitable<void> FlushLoop::change_letters(std::string session_id) {
  for (auto* session = table_.find_session(session_id); session && session->buffer.in_flight() && !stopped_;
       session = table_.find_session(session_id)) {
    auto call = [&letters = parts_.dead_letters, user_id = session->session.user_id,
                 operations = session->buffer.in_flight()->operations] {
      return change_dead(letters, user_id, operations);
    };
    const auto done = co_await runtime::call_blocking(parts_.store_pool, parts_.options->store_timeout, call);
    session = table_.find_session(session_id);
    if (done && session) {
      session->with_worker = false;
      stored(*session);
      touched(*session);
      wake_waiters();
    }
    if (done) co_return;
    log::error("a dead letter cannot be changed with its message, next try in 1 s: {}", done.error().message);
    asio::steady_timer timer(executor_, std::chrono::seconds(1));
    co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));
  }
}

void FlushLoop::stored(SessionState& session) {
  const auto batch = session.buffer.batch_settled();
  session.bisection.reset();
  probe_.flushed_batches.add();
  probe_.stored_messages.add(batch.message_count() - std::min(batch.message_count(), session.dead_in_batch));
  probe_.stages[Stage::in_flight].leave(batch.message_count(), batch.bytes());
  probe_.operation_bytes.subtract(batch.operation_bytes());
  if (auto* user = table_.find_user(session.session.user_id)) {
    table_.release(*user, batch.message_count(), batch.bytes() + batch.operation_bytes());
    for (const auto& round : batch.rounds) {
      for (const auto& held : round.messages) user->features.erase(held.message.id);
    }
    for (const auto& operation : batch.operations) user->features.erase(std::string(operation.id()));
    if (session.dead_in_batch > 0) table_.written(*user);  // what was found a moment ago is not any more
  }
  HOLDFAST_PASS("batch_stored");
  journal_.acknowledge(has_changes(batch) ? session.buffer.not_held(batch.lsns()) : batch.lsns());
}

void FlushLoop::failed(SessionState& session, const Error& error) {
  const auto now = parts_.clock.steady_now();
  ++session.attempts;
  const bool refused = error.kind == ErrorKind::permanent;
  probe_.failed_batches.add();
  probe_.retries[refused ? metrics::RetryReason::store_permanent : metrics::RetryReason::store_retryable]
      .add();
  const auto delay = flush::retry_delay(parts_.options->flush, session.attempts, random_bits());
  session.retry_at = now + delay;
  if (now - last_failure_log_ >= kFailureLogInterval) {
    last_failure_log_ = now;
    log::warn("flush failed, attempt {}, next try in {} ms, {} sessions waiting on this shard: {}",
              session.attempts, delay.count(), dirty_.size(), error.message);
  }
}

// The operation that is the bisection's turn is refused alone. When one after the other is refused nothing
// is wrong with them: then they wait like in any outage.
void FlushLoop::bury(SessionState& session, std::string reason) {
  auto& dead_in_a_row = parts_.flush.dead_in_a_row();
  if (dead_in_a_row.fetch_add(1, std::memory_order_relaxed) >= kMostDeadInARow) {
    dead_in_a_row.fetch_sub(1, std::memory_order_relaxed);
    return failed(session, permanent("nearly everything is refused, so nothing is given up: " + reason));
  }
  auto letter = letter_for(session, session.bisection->next().begin);
  letter.reason = std::move(reason);
  letter.attempts = session.attempts + 1;
  letter.died_at = parts_.clock.now();
  session.with_worker = true;  // nothing else of it goes meanwhile
  asio::co_spawn(executor_, put_dead_letter(session.session.id, std::move(letter)),
                 [](const std::exception_ptr& problem) {
                   if (problem) log::error("putting a dead letter aside ended in an exception");
                 });
}

asio::awaitable<void> FlushLoop::put_dead_letter(std::string session_id, flush::DeadLetter letter) {
  const auto what = letter.operation + " of message " + letter.message_id + " in session " + session_id;
  const auto reason = letter.reason;
  const auto id = letter.id;
  auto call = [&letters = parts_.dead_letters, letter = std::move(letter)] { return letters.put(letter); };
  const auto put = co_await runtime::call_blocking(parts_.store_pool, parts_.options->store_timeout, call);
  auto* session = table_.find_session(session_id);
  if (!session) {  // deleted meanwhile
    auto remove = [&letters = parts_.dead_letters, id] { return letters.remove(id); };
    const auto removed =
        co_await runtime::call_blocking(parts_.store_pool, parts_.options->store_timeout, remove);
    if (!removed) log::error("dead letter {} of a deleted session is left: {}", id, removed.error().message);
    co_return;
  }
  session->with_worker = false;
  if (put) {
    log::error("the store refuses the {}; it is dead letter {} now: {}", what, id, reason);
    probe_.dead[metrics::DeadReason::store_refused].add();
    ++session->dead_in_batch;
    session->attempts = 0;
    session->bisection->drop();
    if (session->bisection->done()) all_accepted(*session);
  } else {
    failed(*session, put.error());
  }
  touched(*session);
  wake_waiters();
}

// A store that refuses a batch for good may have lost the session behind our back; then its messages have
// nowhere to go.
asio::awaitable<void> FlushLoop::check_session_exists(std::string session_id) {
  auto& store = parts_.store;
  auto call = [&store, session_id] { return store.session(session_id); };
  const auto entry = co_await runtime::call_blocking(parts_.store_pool, parts_.options->store_timeout, call);
  auto* session = table_.find_session(session_id);
  if (entry && !*entry && session && !session->with_worker) give_up(*session);
}

void FlushLoop::give_up(SessionState& session) {
  std::uint64_t messages = 0;
  session.buffer.for_each([&](Stage, const Message&) { ++messages; });
  probe_.dead[metrics::DeadReason::session_gone].add(messages);
  log::error("session {} is no longer in the store: {} of its messages are given up", session.session.id,
             messages);
  forget(session);
  table_.erase_session(session);
  wake_waiters();
}

}  // namespace holdfast::engine
