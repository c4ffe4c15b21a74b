// A shard's way to the journal: append and wait. Completions come back as one post per group, and are handed
// out in journal order, each waiter running until its next co_await before the next one wakes: what a path
// does right after append() therefore happens in journal order. Used on the shard's thread.
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
  JournalPort(journal::Journal& journal, unsigned shard, const Clock& clock, metrics::ShardProbe& probe)
      : journal_(journal), shard_(shard), clock_(clock), probe_(probe) {}

  // The epoch that append() submits under (see Journal): it changes when a completion tells of a refusal.
  std::uint64_t epoch() const { return epoch_; }
  asio::awaitable<journal::Completion> append(const journal::Operation& operation);
  void acknowledge(std::vector<Lsn> lsns);

  // For the completions that the journal thread posted.
  void deliver(std::vector<journal::Completion> completions);

 private:
  journal::Journal& journal_;
  unsigned shard_;
  const Clock& clock_;
  metrics::ShardProbe& probe_;
  std::uint64_t epoch_ = 0;
  SteadyTime delivered_{};  // when the last group's completions came
};

}  // namespace holdfast::engine
