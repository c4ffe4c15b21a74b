#include "holdfast/engine/flush_loop.hpp"

#include <algorithm>
#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <memory>

#include "holdfast/base/ids.hpp"
#include "holdfast/base/log.hpp"
#include "holdfast/flush/retry_policy.hpp"

namespace holdfast::engine {
namespace {

using metrics::FlushReason;
using metrics::Stage;

constexpr std::chrono::milliseconds kHousekeepingInterval{250};
constexpr std::chrono::seconds kFailureLogInterval{5};

flush::Priority priority_of(FlushReason reason) {
  switch (reason) {
    case FlushReason::force:
    case FlushReason::request:
    case FlushReason::shutdown:
    case FlushReason::replay:
    case FlushReason::bypass:
      return flush::Priority::critical;
    case FlushReason::operation:
      return flush::Priority::high;
    case FlushReason::size:
      return flush::Priority::normal;
    case FlushReason::interval:
    case FlushReason::count:
      break;
  }
  return flush::Priority::low;
}

// The batch as the store takes it: operations on older messages first, then the new ones in order.
store::SessionBatch to_store_batch(const SessionState& session, const buffer::Batch& batch) {
  const auto lsns = batch.lsns();
  store::SessionBatch out;
  out.id = session.session.id + ":" + std::to_string(lsns.empty() ? 0 : lsns.front());
  out.user_id = session.session.user_id;
  out.session_id = session.session.id;
  for (const auto& operation : batch.operations) {
    if (const auto* change = std::get_if<buffer::Change>(&operation.what)) {
      const auto& to = change->message;
      out.operations.push_back(
          store::UpdateMessage{to.id, to.role, to.content, to.metadata, to.updated_at, operation.lsn, {}});
    } else {
      out.operations.push_back(store::EraseMessage{std::string(operation.id()), operation.lsn});
    }
  }
  for (const auto& round : batch.rounds) {
    for (const auto& held : round.messages) {
      out.operations.push_back(store::InsertMessage{held.message, held.lsn, {}});
    }
  }
  return out;
}

}  // namespace

FlushLoop::FlushLoop(const Parts& parts, runtime::Executor executor, SessionTable& table,
                     JournalPort& journal, metrics::ShardProbe& probe)
    : parts_(parts),
      executor_(std::move(executor)),
      table_(table),
      journal_(journal),
      probe_(probe),
      deadline_timer_(executor_),
      housekeeping_timer_(executor_) {}

void FlushLoop::start() {
  on_housekeeping();
}

void FlushLoop::stop() {
  stopped_ = true;
  deadline_timer_.cancel();
  housekeeping_timer_.cancel();
}

bool FlushLoop::add(SessionState& session, buffer::BufferedRound round) {
  probe_.stages[Stage::round_buffer].enter(round.messages.size(), round.bytes());
  const auto moves = session.buffer.add(std::move(round), parts_.clock.steady_now());
  count(moves);
  touched(session);
  return !moves.empty();
}

void FlushLoop::touched(SessionState& session) {
  const auto now = parts_.clock.steady_now();
  count(session.buffer.advance(now));
  submit(session);
  schedule(session);
}

void FlushLoop::request_flush(SessionState& session, FlushReason reason) {
  count(session.buffer.request_flush(reason, parts_.clock.steady_now()));
  if (session.retry_at) session.retry_at = parts_.clock.steady_now();
  touched(session);
}

void FlushLoop::forget(SessionState& session) {
  if (session.deadline) schedule_.erase({*session.deadline, &session});
  dirty_.erase(&session);
  std::erase(waiting_, &session);
  auto& user = table_.insert_user(session.session.user_id);
  session.buffer.for_each([&](Stage stage, const Message& message) {
    if (stage != Stage::in_flight) probe_.stages[stage].leave(1, message.content.size());
    user.features.erase(message.id);
  });
  if (const auto* batch = session.buffer.in_flight()) {
    probe_.stages[Stage::in_flight].leave(batch->message_count(), batch->bytes());
  }
  journal_.acknowledge(session.buffer.all_lsns());
  probe_.dirty_sessions.set(dirty_.size());
}

// Takes the next batch when one is due, or the one in flight whose retry is due.
void FlushLoop::submit(SessionState& session) {
  if (session.with_worker || session.waiting) return;
  const auto now = parts_.clock.steady_now();
  const bool retry = session.buffer.in_flight() && (!session.retry_at || now >= *session.retry_at);
  const auto reason = session.buffer.flush_due(now);
  if (!retry && !reason) return;
  if (!parts_.flush.queue().reserve()) {
    session.waiting = true;
    if (reason && priority_of(*reason) == flush::Priority::critical) {
      waiting_.push_front(&session);
    } else {
      waiting_.push_back(&session);
    }
    return;
  }
  if (!retry) {
    const auto& batch = session.buffer.take_batch(*reason);
    probe_.stages[Stage::hybrid_buffer].leave(batch.message_count(), batch.bytes());
    probe_.stages[Stage::in_flight].enter(batch.message_count(), batch.bytes());
    probe_.flushes[*reason].add();
    probe_.batch_messages.record(batch.message_count());
  }
  hand_over(session);
}

// Precondition: a batch is in flight and a place in the queue is reserved.
void FlushLoop::hand_over(SessionState& session) {
  const auto& batch = *session.buffer.in_flight();
  session.with_worker = true;
  session.retry_at.reset();
  flush::Job job;
  job.batch = to_store_batch(session, batch);
  job.priority = priority_of(batch.reason);
  job.done = [this, executor = executor_, id = session.session.id,
              lsns = batch.lsns()](Result<void> answer) mutable {
    asio::post(executor, [this, id = std::move(id), lsns = std::move(lsns),
                          answer = std::move(answer)]() mutable { settled(id, lsns, std::move(answer)); });
  };
  parts_.flush.queue().push(std::move(job));
}

void FlushLoop::settled(const std::string& session_id, const std::vector<Lsn>& lsns, Result<void> answer) {
  if (auto* session = table_.find_session(session_id)) {
    session->with_worker = false;
    if (answer) {
      stored(*session);
    } else {
      failed(*session, answer.error());
    }
    touched(*session);
  } else {
    journal_.acknowledge(lsns);  // deleted meanwhile: nothing of it is owed any more
  }
  serve_waiting();
  for (auto* waiter : settlement_waiters_) waiter->cancel();
}

void FlushLoop::stored(SessionState& session) {
  const auto batch = session.buffer.batch_settled();
  session.attempts = 0;
  probe_.flushed_batches.add();
  probe_.stored_messages.add(batch.message_count());
  probe_.stages[Stage::in_flight].leave(batch.message_count(), batch.bytes());
  if (auto* user = table_.find_user(session.session.user_id); user && !user->features.empty()) {
    for (const auto& round : batch.rounds) {
      for (const auto& held : round.messages) user->features.erase(held.message.id);
    }
    for (const auto& operation : batch.operations) user->features.erase(std::string(operation.id()));
  }
  journal_.acknowledge(batch.lsns());
}

void FlushLoop::failed(SessionState& session, const Error& error) {
  const auto now = parts_.clock.steady_now();
  ++session.attempts;
  const bool refused = error.kind == ErrorKind::permanent;
  probe_.failed_batches.add();
  probe_.retries[refused ? metrics::RetryReason::store_permanent : metrics::RetryReason::store_retryable]
      .add();
  const auto delay = flush::retry_delay(parts_.options.flush, session.attempts,
                                        static_cast<std::uint64_t>(route_key(random_hex(16))));
  session.retry_at = now + delay;
  if (now - last_failure_log_ >= kFailureLogInterval) {
    last_failure_log_ = now;
    log::warn("flush failed, attempt {}, next try in {} ms, {} sessions waiting on this shard: {}",
              session.attempts, delay.count(), dirty_.size(), error.message);
  }
  if (refused) {
    asio::co_spawn(executor_, check_session_exists(session.session.id),
                   [](const std::exception_ptr& problem) {
                     if (problem) log::error("checking a refused session ended in an exception");
                   });
  }
}

// A store that refuses a batch for good may have lost the session behind our back; then its messages have
// nowhere to go.
asio::awaitable<void> FlushLoop::check_session_exists(std::string session_id) {
  auto& store = parts_.store;
  auto call = [&store, session_id] { return store.session(session_id); };
  const auto entry = co_await runtime::call_blocking(parts_.store_pool, parts_.options.store_timeout, call);
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
}

asio::awaitable<Result<void>> FlushLoop::write_through(store::SessionBatch batch) {
  if (!parts_.flush.queue().reserve()) co_return overloaded("the flush queue is full");
  probe_.flushes[FlushReason::bypass].add();
  probe_.batch_messages.record(batch.operations.size());
  auto answer = co_await asio::async_initiate<const asio::use_awaitable_t<>, void(Result<void>)>(
      [this](auto handler, store::SessionBatch operations) {
        using Handler = asio::any_completion_handler<void(Result<void>)>;
        auto waiter = std::make_shared<Handler>(std::move(handler));
        flush::Job job;
        job.batch = std::move(operations);
        job.priority = flush::Priority::critical;
        job.done = [waiter, executor = executor_](Result<void> result) {
          asio::post(executor, [waiter, result = std::move(result)]() mutable {
            std::move (*waiter)(std::move(result));
          });
        };
        parts_.flush.queue().push(std::move(job));
      },
      asio::use_awaitable, std::move(batch));
  (answer ? probe_.flushed_batches : probe_.failed_batches).add();
  co_return answer;
}

asio::awaitable<void> FlushLoop::next_settlement(SteadyTime deadline) {
  asio::steady_timer timer(executor_, deadline);
  const auto entry = settlement_waiters_.insert(settlement_waiters_.end(), &timer);
  co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));
  settlement_waiters_.erase(entry);
}

void FlushLoop::count(const std::vector<buffer::SessionBuffer::Move>& moves) {
  for (const auto& move : moves) {
    probe_.transfers[move.reason].add();
    probe_.stages[Stage::round_buffer].leave(move.messages, move.bytes);
    probe_.stages[Stage::hybrid_buffer].enter(move.messages, move.bytes);
  }
}

void FlushLoop::schedule(SessionState& session) {
  auto next = session.buffer.next_deadline();
  if (session.retry_at) next = next ? std::min(*next, *session.retry_at) : *session.retry_at;
  if (session.waiting) next.reset();  // its turn comes with a place in the queue
  if (next != session.deadline) {
    if (session.deadline) schedule_.erase({*session.deadline, &session});
    if (next) schedule_.emplace(*next, &session);
    session.deadline = next;
    arm();
  }
  if (session.buffer.empty()) {
    dirty_.erase(&session);
  } else {
    dirty_.insert(&session);
  }
  probe_.dirty_sessions.set(dirty_.size());
}

void FlushLoop::arm() {
  if (schedule_.empty() || stopped_) return;
  if (deadline_timer_.expiry() == schedule_.begin()->first) return;
  deadline_timer_.expires_at(schedule_.begin()->first);
  deadline_timer_.async_wait([this](const boost::system::error_code& cancelled) {
    if (!cancelled) on_deadline();
  });
}

void FlushLoop::on_deadline() {
  const auto now = parts_.clock.steady_now();
  while (!schedule_.empty() && schedule_.begin()->first <= now) {
    auto* session = schedule_.begin()->second;
    schedule_.erase(schedule_.begin());
    session->deadline.reset();
    touched(*session);
    // A deadline that nothing could be done about yet must not spin: the next event of the session brings it
    // back.
    if (session->deadline && *session->deadline <= now) {
      schedule_.erase({*session->deadline, session});
      session->deadline.reset();
    }
  }
  deadline_timer_.expires_at(SteadyTime::max());
  arm();
}

void FlushLoop::on_housekeeping() {
  if (stopped_) return;
  std::optional<SteadyTime> oldest;
  std::uint64_t rounds = 0, tokens = 0;
  for (const auto* session : dirty_) {
    if (const auto since = session->buffer.oldest()) oldest = oldest ? std::min(*oldest, *since) : *since;
    rounds += session->buffer.round_count();
    tokens += session->buffer.round_tokens();
  }
  probe_.oldest_unflushed_ns.set(oldest ? static_cast<std::uint64_t>(oldest->time_since_epoch().count()) : 0);
  probe_.buffered_rounds.set(rounds);
  probe_.round_tokens.set(tokens);
  serve_waiting();
  housekeeping_timer_.expires_after(kHousekeepingInterval);
  housekeeping_timer_.async_wait([this](const boost::system::error_code& cancelled) {
    if (!cancelled) on_housekeeping();
  });
}

void FlushLoop::serve_waiting() {
  const auto& queue = parts_.flush.queue();
  while (!waiting_.empty() && queue.depth() < queue.capacity()) {
    auto* session = waiting_.front();
    waiting_.pop_front();
    session->waiting = false;
    touched(*session);
  }
}

}  // namespace holdfast::engine
