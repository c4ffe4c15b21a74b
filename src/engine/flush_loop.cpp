#include "holdfast/engine/flush_loop.hpp"

#include <algorithm>
#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <iterator>
#include <memory>

#include "batch_in_flight.hpp"
#include "holdfast/base/log.hpp"

namespace holdfast::engine {
namespace {

using metrics::FlushReason;
using metrics::Stage;
using metrics::TimedComponent;

constexpr std::chrono::milliseconds kHousekeepingInterval{250};
// A store write that takes longer counts as a store that takes nothing: what fills memory meanwhile may stay
// in the journal.
constexpr std::chrono::seconds kStoreHangs{5};
constexpr std::size_t kSessionsAtOnce = 250;
constexpr std::size_t kReadUnderPressure = 1u << 20;  // of the backlog, at a time

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
    case FlushReason::memory:
      return flush::Priority::normal;
    case FlushReason::interval:
    case FlushReason::count:
      break;
  }
  return flush::Priority::low;
}

}  // namespace

FlushLoop::FlushLoop(const Parts& parts, unsigned shard_count, runtime::Executor executor,
                     SessionTable& table, JournalPort& journal, Backlog& backlog, metrics::ShardProbe& probe)
    : parts_(parts),
      executor_(std::move(executor)),
      table_(table),
      journal_(journal),
      backlog_(backlog),
      probe_(probe),
      shard_count_(shard_count),
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

// Everything is on its way out of the buffers when they are not used any more.
void FlushLoop::reconfigured() {
  const bool bypass = parts_.options->mode == Mode::bypass;
  for (auto* session : sessions_with_work()) {
    if (bypass) {
      request_flush(*session, FlushReason::request);
    } else {
      touched(*session);  // its deadlines may be others now
    }
  }
}

std::vector<SessionState*> FlushLoop::sessions_with_work() const {
  return {dirty_.begin(), dirty_.end()};
}

std::size_t FlushLoop::held_bytes() const {
  std::size_t items = 0, bytes = probe_.operation_bytes.value();
  for (const auto stage : {Stage::round_buffer, Stage::hybrid_buffer, Stage::in_flight}) {
    const auto& counts = probe_.stages[stage];
    items += counts.items_in.value() - counts.items_out.value();
    bytes += counts.bytes_in.value() - counts.bytes_out.value();
  }
  return bytes + items * kMessageOverhead;
}

std::size_t FlushLoop::budget_bytes() const {
  return parts_.options->max_buffer_bytes / shard_count_;
}

std::size_t FlushLoop::window_bytes() const {
  return budget_bytes() / 4 * 3;
}

bool FlushLoop::has_room(std::size_t bytes) const {
  return held_bytes() + bytes <= budget_bytes();
}

bool FlushLoop::add(SessionState& session, buffer::BufferedRound round) {
  auto& user = table_.insert_user(session.session.user_id);
  const auto bytes = round.bytes() + round.messages.size() * kMessageOverhead;
  const auto user_window =
      static_cast<std::size_t>(static_cast<double>(window_bytes()) * parts_.options->user_share);
  // Behind the window there is room for users who hold little, so that a flood does not push them out.
  const auto equal_part = budget_bytes() / std::max<std::size_t>(1, table_.holders());
  const bool little = user.held_bytes + bytes <= equal_part / 2;
  const bool full = held_bytes() + bytes > (little ? budget_bytes() : window_bytes()) ||
                    user.held_bytes + bytes > user_window;
  // Where memory is critical, what is durable needs no copy in it.
  const bool critical = parts_.pressure.level() >= memory::Level::critical;
  if (session.backlog.messages > 0 || (full && parts_.flush.breaker().open()) || critical) {
    if (critical) parts_.pressure.count(memory::Action::kept_in_journal);
    backlog_.take(session, round);
    touched(session);
    return false;
  }
  table_.hold(user, round.messages.size(), round.bytes());
  probe_.stages[Stage::round_buffer].enter(round.messages.size(), round.bytes());
  const auto began = parts_.clock.steady_now();
  const auto moves = session.buffer.add(std::move(round), began);
  count(moves);
  const auto added = touched(session);
  probe_.components.record(moves.empty() ? TimedComponent::round : TimedComponent::transfer, began, added);
  return !moves.empty();
}

SteadyTime FlushLoop::touched(SessionState& session) {
  const auto now = parts_.clock.steady_now();
  count(session.buffer.advance(now));
  submit(session);
  schedule(session);
  probe_.components.record(TimedComponent::threshold_check, now, parts_.clock.steady_now());
  return now;
}

void FlushLoop::request_flush(SessionState& session, FlushReason reason) {
  count(session.buffer.request_flush(reason, parts_.clock.steady_now()));
  if (session.retry_at) session.retry_at = parts_.clock.steady_now();
  if (session.place_in_line && priority_of(reason) == flush::Priority::critical)  // somebody waits
    waiting_.splice(waiting_.begin(), waiting_, *session.place_in_line);
  touched(session);
}

void FlushLoop::forget(SessionState& session) {
  if (session.deadline) schedule_.erase({*session.deadline, &session});
  dirty_.erase(&session);
  if (session.place_in_line) waiting_.erase(*session.place_in_line);
  auto& user = table_.insert_user(session.session.user_id);
  backlog_.forget(session);
  probe_.operation_bytes.subtract(session.buffer.operation_bytes());
  const auto held = session.buffer.held();
  table_.release(user, held.messages, held.bytes + session.buffer.operation_bytes());
  session.buffer.for_each([&](Stage stage, const Message& message) {
    if (stage != Stage::in_flight) probe_.stages[stage].leave(1, text_bytes(message));
    user.features.erase(message.id);
  });
  if (const auto* batch = session.buffer.in_flight()) {
    probe_.stages[Stage::in_flight].leave(batch->message_count(), batch->bytes());
  }
  journal_.acknowledge(session.buffer.all_lsns());
  probe_.dirty_sessions.set(dirty_.size());
}

// `after` is where the last steps ended in the order of dirty_; it may be gone.
void FlushLoop::for_each_dirty(Step step, SessionState* after) {
  if (stopped_) return;
  std::vector<SessionState*> some;
  for (auto next = dirty_.upper_bound(after); next != dirty_.end() && some.size() < kSessionsAtOnce; ++next)
    some.push_back(*next);
  for (auto* session : some) (this->*step)(*session);
  if (some.size() < kSessionsAtOnce) return;
  asio::post(executor_, [this, step, last = some.back()] { for_each_dirty(step, last); });
}

void FlushLoop::make_room() {
  for_each_dirty(&FlushLoop::flush_for_room);
}

// Nobody waits for it, so what failed is not tried sooner.
void FlushLoop::flush_for_room(SessionState& session) {
  count(session.buffer.request_flush(FlushReason::memory, parts_.clock.steady_now()));
  touched(session);
}

void FlushLoop::drop_copies() {
  for_each_dirty(&FlushLoop::drop_copies_of);
}

// A change on its way to the journal has looked at what is here.
void FlushLoop::drop_copies_of(SessionState& session) {
  const bool must = parts_.pressure.level() >= memory::Level::critical && parts_.flush.breaker().open();
  if (!must || keep_copies_ > 0 || reading_backlog_ || session.changes_under_way > 0) return;
  const auto dropped = session.buffer.drop_newest_unchanged();
  if (dropped.empty()) return;
  auto& user = table_.insert_user(session.session.user_id);
  for (const auto& [stage, round] : dropped) {
    probe_.stages[stage].leave(round.messages.size(), round.bytes());
    table_.release(user, round.messages.size(), round.bytes());
    for (const auto& held : round.messages) user.features.erase(held.message.id);
    backlog_.take(session, round);
  }
  table_.written(user);  // what was found is not any more
  parts_.pressure.count(memory::Action::copies_dropped, dropped.size());
  touched(session);
}

// Takes the next batch when one is due, or the one in flight whose retry is due.
void FlushLoop::submit(SessionState& session) {
  if (session.with_worker || session.place_in_line) return;
  const auto now = parts_.clock.steady_now();
  const bool retry = session.buffer.in_flight() && (!session.retry_at || now >= *session.retry_at);
  const auto reason = session.buffer.flush_due(now);
  if (!retry && !reason) return;
  const bool urgent = reason && priority_of(*reason) == flush::Priority::critical;
  if (!parts_.flush.queue().reserve()) return wait_in_line(session, urgent);
  if (!parts_.flush.breaker().admit(now)) {
    parts_.flush.queue().release();
    return wait_in_line(session, urgent);
  }
  if (!retry) {
    const auto& batch = session.buffer.take_batch(*reason);
    probe_.stages[Stage::hybrid_buffer].leave(batch.message_count(), batch.bytes());
    probe_.stages[Stage::in_flight].enter(batch.message_count(), batch.bytes());
    probe_.flushes[*reason].add();
    probe_.batch_messages.record(batch.message_count());
    session.bisection.emplace(batch.operations.size() + batch.message_count());
    session.verification = SessionState::Verification::none;
    session.dead_in_batch = 0;
  }
  hand_over(session);
}

void FlushLoop::wait_in_line(SessionState& session, bool first) {
  session.place_in_line = waiting_.insert(first ? waiting_.begin() : waiting_.end(), &session);
}

// Precondition: a batch is in flight and a place in the queue is reserved. What goes is the batch, or the
// part of it that is its bisection's turn, or nothing at all: that asks whether the store takes anything for
// this session.
void FlushLoop::hand_over(SessionState& session) {
  const auto& batch = *session.buffer.in_flight();
  session.with_worker = true;
  session.retry_at.reset();
  flush::Job job;
  job.batch = to_store_batch(session);
  add_known_features(session, table_.insert_user(session.session.user_id), job.batch);
  auto& operations = job.batch.operations;
  const auto part = session.bisection->next();
  if (session.verification == SessionState::Verification::due) {
    operations.clear();
  } else if (part.size() < operations.size()) {
    operations = {std::make_move_iterator(operations.begin() + static_cast<std::ptrdiff_t>(part.begin)),
                  std::make_move_iterator(operations.begin() + static_cast<std::ptrdiff_t>(part.end))};
    job.batch.id += ":" + std::to_string(part.begin) + "-" + std::to_string(part.end);
  }
  job.priority = priority_of(batch.reason);
  job.handed_over = parts_.clock.steady_now();
  job.done = [this, executor = executor_, id = session.session.id,
              lsns = batch.lsns()](Result<void> answer) mutable {
    asio::post(executor, [this, id = std::move(id), lsns = std::move(lsns),
                          answer = std::move(answer)]() mutable { settled(id, lsns, std::move(answer)); });
  };
  parts_.flush.queue().push(std::move(job));
}

asio::awaitable<Result<void>> FlushLoop::write_through(store::SessionBatch batch) {
  if (!parts_.flush.queue().reserve()) co_return overloaded("the flush queue is full");
  if (!parts_.flush.breaker().admit(parts_.clock.steady_now())) {
    parts_.flush.queue().release();
    co_return retryable("the store does not answer");
  }
  probe_.flushes[FlushReason::bypass].add();
  probe_.batch_messages.record(batch.operations.size());
  auto answer = co_await asio::async_initiate<const asio::use_awaitable_t<>, void(Result<void>)>(
      [this](auto handler, store::SessionBatch operations) {
        using Handler = asio::any_completion_handler<void(Result<void>)>;
        auto waiter = std::make_shared<Handler>(std::move(handler));
        flush::Job job;
        job.batch = std::move(operations);
        job.priority = flush::Priority::critical;
        job.handed_over = parts_.clock.steady_now();
        job.done = [waiter, executor = executor_](Result<void> result) {
          asio::post(executor, [waiter, result = std::move(result)]() mutable {
            std::move (*waiter)(std::move(result));
          });
        };
        parts_.flush.queue().push(std::move(job));
      },
      asio::use_awaitable, std::move(batch));
  (answer ? probe_.flushed_batches : probe_.failed_batches).add();
  tell_breaker(answer);
  wake_waiters();
  co_return answer;
}

asio::awaitable<void> FlushLoop::next_settlement(SteadyTime deadline) {
  asio::steady_timer timer(executor_, deadline);
  const auto entry = settlement_waiters_.insert(settlement_waiters_.end(), &timer);
  co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));
  settlement_waiters_.erase(entry);
}

void FlushLoop::wake_waiters() {
  for (auto* waiter : settlement_waiters_) waiter->cancel();
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
  if (session.place_in_line) next.reset();  // its turn comes with a place in the queue
  if (next != session.deadline) {
    if (session.deadline) schedule_.erase({*session.deadline, &session});
    if (next) schedule_.emplace(*next, &session);
    session.deadline = next;
    arm();
  }
  if (session.buffer.empty() && session.backlog.messages == 0) {
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
  const auto longest = parts_.flush.longest_write();
  if (longest > kStoreHangs && parts_.flush.breaker().trip(parts_.clock.steady_now())) {
    log::warn("the store has not answered for {} s: messages are kept in the journal until it does",
              std::chrono::duration_cast<std::chrono::seconds>(longest).count());
  }
  retry_after_recovery();
  serve_waiting();
  if (parts_.pressure.level() >= memory::Level::critical) drop_copies();
  read_backlog_when_room();
  housekeeping_timer_.expires_after(kHousekeepingInterval);
  housekeeping_timer_.async_wait([this](const boost::system::error_code& cancelled) {
    if (!cancelled) on_housekeeping();
  });
}

// Who waits is served until the queue is full or the breaker lets nothing more go.
void FlushLoop::serve_waiting() {
  const auto& queue = parts_.flush.queue();
  for (auto turns = waiting_.size(); turns > 0 && !waiting_.empty() && queue.depth() < queue.capacity();
       --turns) {
    auto* session = waiting_.front();
    waiting_.pop_front();
    session->place_in_line.reset();
    touched(*session);
    if (session->place_in_line) break;
  }
}

// The store takes something again: nobody waits out the delays of the outage.
void FlushLoop::retry_after_recovery() {
  const auto recoveries = parts_.flush.breaker().recoveries();
  if (recoveries == recoveries_) return;
  recoveries_ = recoveries;
  const auto now = parts_.clock.steady_now();
  for (auto* session : sessions_with_work()) {
    if (!session->retry_at) continue;
    session->retry_at = now;
    touched(*session);
  }
}

void FlushLoop::read_backlog_when_room() {
  // Under pressure the next rounds are read once the ones before have left.
  const bool pressed = parts_.pressure.level() > memory::Level::normal;
  const auto most = pressed ? window_bytes() / 16 : window_bytes() / 2;
  // Where nothing else is left that asks the store whether it is back, something of the backlog has to.
  const bool room = held_bytes() < most && (!parts_.flush.breaker().open() || held_bytes() == 0);
  if (backlog_.empty() || reading_backlog_ || !room || stopped_) return;
  reading_backlog_ = true;
  asio::co_spawn(executor_, read_backlog(), [this](const std::exception_ptr& problem) {
    reading_backlog_ = false;
    if (problem) log::error("reading the backlog ended in an exception");
  });
}

// A quarter of the window at a time, under pressure at most 1 MiB. What comes back is on its way to the store
// at once.
asio::awaitable<void> FlushLoop::read_backlog() {
  const bool pressed = parts_.pressure.level() > memory::Level::normal;
  const auto bytes = pressed ? std::min(window_bytes() / 4, kReadUnderPressure) : window_bytes() / 4;
  auto records = co_await backlog_.read(bytes);
  if (!records) {
    log::error("the journal cannot be read again, {} messages wait: {}", probe_.backlog_messages.value(),
               records.error().message);
    co_return;
  }
  for (auto& record : *records) {
    auto& round = std::get<journal::AppendRecord>(record.operation).round;
    if (!backlog_.give_back(record)) {
      journal_.acknowledge({record.lsn});  // its session was deleted
      continue;
    }
    auto* session = table_.find_session(round.session_id);
    auto buffered = to_buffered(std::move(round), record.lsn);
    buffered.maybe_stored = true;
    auto& user = table_.insert_user(session->session.user_id);
    table_.hold(user, buffered.messages.size(), buffered.bytes());
    probe_.stages[Stage::round_buffer].enter(buffered.messages.size(), buffered.bytes());
    count(session->buffer.add(std::move(buffered), parts_.clock.steady_now()));
    table_.written(user);
    request_flush(*session, FlushReason::replay);
  }
}

}  // namespace holdfast::engine
