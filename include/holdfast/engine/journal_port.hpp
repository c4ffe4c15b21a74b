// A shard's way to the journal: append and wait. What is appended in one round of the shard goes there
// together (up to 64 records), behind all that was ready with it, as Redis writes its log before it sleeps:
// so groups are as large as they can be without a timer, and waking the journal's thread is paid once.
// Completions come back as one post per group, and are handed out in journal order, each waiter running until
// its next co_await before the next one wakes: what a path does right after append() therefore happens in
// journal order. Used on the shard's thread.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <vector>

#include "holdfast/base/clock.hpp"
#include "holdfast/journal/journal.hpp"
#include "holdfast/metrics/probes.hpp"
#include "holdfast/runtime/shard_set.hpp"

namespace holdfast::engine {

namespace asio = boost::asio;

class JournalPort {
 public:
  // Everything referenced must outlive the port.
  JournalPort(journal::Journal& journal, unsigned shard, runtime::Executor executor, const Clock& clock,
              metrics::ShardProbe& probe)
      : journal_(journal),
        shard_(shard),
        executor_(executor),
        clock_(clock),
        probe_(probe),
        highest_(journal.last_lsn()) {}

  // The epoch that append() submits under (see Journal): it changes when a completion tells of a refusal.
  std::uint64_t epoch() const { return epoch_; }
  asio::awaitable<journal::Completion> append(const journal::Operation& operation);
  void acknowledge(std::vector<Lsn> lsns);
  // Waits until a restart would not bring back what has been acknowledged here: what is written past the
  // journal must not be overtaken by that.
  asio::awaitable<Result<void>> acknowledgements_recorded();

  // The highest LSN that the journal may have for a user of this shard.
  Lsn highest() const { return highest_; }

  // For the completions that the journal thread posted.
  void deliver(std::vector<journal::Completion> completions);

 private:
  asio::awaitable<journal::Completion> submit(journal::Submission submission);
  void gather(journal::Submission submission);
  void hand_over();

  journal::Journal& journal_;
  unsigned shard_;
  runtime::Executor executor_;
  const Clock& clock_;
  metrics::ShardProbe& probe_;
  std::vector<journal::Submission> gathered_;
  std::uint64_t epoch_ = 0;
  std::uint64_t acknowledged_ = 0;  // calls of acknowledge()
  std::uint64_t recorded_ = 0;      // of these, that the journal holds
  Lsn highest_;                     // at the open, or completed since
  SteadyTime delivered_{};          // when the last group's completions came
};

}  // namespace holdfast::engine
