// Moves what is due from a shard's sessions to the flush workers and takes their answers.
//
// Operation. touched() after every change of a session: rounds whose time has come move on, a due batch goes
// to the workers if the flush queue has room (else the session waits in line), and the session's next
// deadline enters the schedule, which one timer follows. A stored batch is acknowledged to the journal; a
// failed one stays in flight, visible to readers, and is tried again after RetryPolicy's delay, for ever.
//
// Concurrency. Owned by the shard's thread; a worker's answer is posted to it.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <deque>
#include <list>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "holdfast/engine/journal_port.hpp"
#include "holdfast/engine/parts.hpp"
#include "holdfast/engine/session_table.hpp"
#include "holdfast/metrics/probes.hpp"

namespace holdfast::engine {

class FlushLoop {
 public:
  // Everything referenced must outlive the loop.
  FlushLoop(const Parts& parts, runtime::Executor executor, SessionTable& table, JournalPort& journal,
            metrics::ShardProbe& probe);

  void start();  // the timers; on the shard's thread
  void stop();

  // A durable round joins the session's buffers. True: that moved something on to the hybrid buffer.
  bool add(SessionState& session, buffer::BufferedRound round);
  void touched(SessionState& session);
  void request_flush(SessionState& session, metrics::FlushReason reason);
  // The session is about to leave the table: it is taken off the schedule and its LSNs are acknowledged.
  void forget(SessionState& session);

  // Writes a batch directly, past the buffers (bypass mode), as the most urgent work.
  asio::awaitable<Result<void>> write_through(store::SessionBatch batch);

  // Waits until some batch is settled, or until the deadline.
  asio::awaitable<void> next_settlement(SteadyTime deadline);

  bool has_unsettled() const { return !dirty_.empty(); }
  std::uint64_t unsettled_sessions() const { return dirty_.size(); }

 private:
  void submit(SessionState& session);
  void hand_over(SessionState& session);
  void settled(const std::string& session_id, const std::vector<Lsn>& lsns, Result<void> answer);
  void stored(SessionState& session);
  void failed(SessionState& session, const Error& error);
  asio::awaitable<void> check_session_exists(std::string session_id);
  void give_up(SessionState& session);
  void count(const std::vector<buffer::SessionBuffer::Move>& moves);
  void schedule(SessionState& session);
  void arm();
  void on_deadline();
  void on_housekeeping();
  void serve_waiting();

  const Parts& parts_;
  runtime::Executor executor_;
  SessionTable& table_;
  JournalPort& journal_;
  metrics::ShardProbe& probe_;

  asio::steady_timer deadline_timer_;
  asio::steady_timer housekeeping_timer_;
  std::set<std::pair<SteadyTime, SessionState*>> schedule_;
  std::set<SessionState*> dirty_;      // not empty
  std::deque<SessionState*> waiting_;  // for a place in the flush queue
  std::list<asio::steady_timer*> settlement_waiters_;
  SteadyTime last_failure_log_{};
  bool stopped_ = false;
};

}  // namespace holdfast::engine
