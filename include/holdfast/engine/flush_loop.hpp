// Moves what is due from a shard's sessions to the flush workers and takes their answers.
//
// Operation. touched() after every change of a session: rounds whose time has come move on, a due batch goes
// to the workers if the flush queue has room (else the session waits in line), and the session's next
// deadline enters the schedule, which one timer follows. A stored batch is acknowledged to the journal; a
// failed one stays in flight, visible to readers, and is tried again after RetryPolicy's delay, for ever;
// when everything fails the circuit breaker lets only single probes go. Where the store refuses a batch for
// good and yet takes an empty one for that session, the batch is bisected: what is refused alone becomes a
// dead letter, the rest is stored in order.
//
// While the breaker is open and memory is full, rounds go to the Backlog; it is read back when there is room.
// While it is open and memory is critical, what is buffered already goes there, too.
//
// Concurrency. Owned by the shard's thread; a worker's answer is posted to it.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <list>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "holdfast/engine/backlog.hpp"
#include "holdfast/engine/journal_port.hpp"
#include "holdfast/engine/parts.hpp"
#include "holdfast/engine/session_table.hpp"
#include "holdfast/metrics/probes.hpp"

namespace holdfast::engine {

class FlushLoop {
 public:
  // Everything referenced must outlive the loop.
  FlushLoop(const Parts& parts, unsigned shard_count, runtime::Executor executor, SessionTable& table,
            JournalPort& journal, Backlog& backlog, metrics::ShardProbe& probe);

  void start();  // the timers; on the shard's thread
  void stop();
  bool stopped() const { return stopped_; }
  void reconfigured();  // parts.options is another one

  // The shard's share of the byte budget has room for this much more.
  bool has_room(std::size_t bytes) const;

  // A durable round joins the session's buffers. True: that moved something on to the hybrid buffer.
  bool add(SessionState& session, buffer::BufferedRound round);
  // To be called after every change of a session. Answer: when it began.
  SteadyTime touched(SessionState& session);
  void request_flush(SessionState& session, metrics::FlushReason reason);
  void make_room();  // everything that is buffered is on its way to the store
  // Where memory is critical and the store takes nothing, copies of what the journal has leave memory.
  // Housekeeping does so, too.
  void drop_copies();
  // While one lives nothing is dropped: what is replayed may change what was replayed before.
  class KeepCopies {
   public:
    explicit KeepCopies(FlushLoop& loop) : loop_(loop) { ++loop_.keep_copies_; }
    ~KeepCopies() { --loop_.keep_copies_; }
    KeepCopies(const KeepCopies&) = delete;
    KeepCopies& operator=(const KeepCopies&) = delete;

   private:
    FlushLoop& loop_;
  };
  // Something of theirs is not in the store yet.
  std::vector<SessionState*> sessions_with_work() const;
  // The session is about to leave the table: it is taken off the schedule and its LSNs are acknowledged.
  void forget(SessionState& session);

  // Writes a batch directly, past the buffers (bypass mode), as the most urgent work.
  asio::awaitable<Result<void>> write_through(store::SessionBatch batch);

  // Waits until some batch is settled or some write is done, or until the deadline.
  asio::awaitable<void> next_settlement(SteadyTime deadline);
  void wake_waiters();

  // Begins to read the next of the backlog where there is room; housekeeping does, too.
  void read_backlog_when_room();

 private:
  // A few at a time, each from a post of its own, so that others are served between.
  using Step = void (FlushLoop::*)(SessionState&);
  void for_each_dirty(Step step, SessionState* after = nullptr);
  void flush_for_room(SessionState& session);
  void drop_copies_of(SessionState& session);
  void submit(SessionState& session);
  void hand_over(SessionState& session);
  void wait_in_line(SessionState& session, bool first);
  // A worker's answer, posted to the shard (flush_outcome.cpp).
  void tell_breaker(const Result<void>& answer);
  void settled(const std::string& session_id, const std::vector<Lsn>& lsns, Result<void> answer);
  void accepted(SessionState& session);
  void refused(SessionState& session, const Error& error);
  void all_accepted(SessionState& session);
  void stored(SessionState& session);
  void failed(SessionState& session, const Error& error);
  void bury(SessionState& session, std::string reason);
  asio::awaitable<void> change_letters(std::string session_id);
  asio::awaitable<void> put_dead_letter(std::string session_id, flush::DeadLetter letter);
  asio::awaitable<void> check_session_exists(std::string session_id);
  void give_up(SessionState& session);

  void count(const std::vector<buffer::SessionBuffer::Move>& moves);
  void schedule(SessionState& session);
  void arm();
  void on_deadline();
  void on_housekeeping();
  void serve_waiting();
  void retry_after_recovery();
  asio::awaitable<void> read_backlog();
  std::size_t held_bytes() const;
  std::size_t budget_bytes() const;  // of this shard
  std::size_t window_bytes() const;  // of it, what rounds may take in memory while the store is down

  const Parts& parts_;
  runtime::Executor executor_;
  SessionTable& table_;
  JournalPort& journal_;
  Backlog& backlog_;
  metrics::ShardProbe& probe_;
  const unsigned shard_count_;

  asio::steady_timer deadline_timer_;
  asio::steady_timer housekeeping_timer_;
  std::set<std::pair<SteadyTime, SessionState*>> schedule_;
  std::set<SessionState*> dirty_;     // not empty
  std::list<SessionState*> waiting_;  // for a place in the flush queue
  std::list<asio::steady_timer*> settlement_waiters_;
  SteadyTime last_failure_log_{};
  std::uint64_t recoveries_ = 0;  // of the breaker, that were acted upon
  unsigned keep_copies_ = 0;
  bool reading_backlog_ = false;
  bool stopped_ = false;
};

}  // namespace holdfast::engine
