// A shard's way to the journal: append and wait. Completions come back as one post per group, and are handed
// out in journal order, each waiter running until its next co_await before the next one wakes: what a path
// does right after append() therefore happens in journal order. Used on the shard's thread.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <vector>

#include "holdfast/journal/journal.hpp"
#include "holdfast/runtime/shard_set.hpp"

namespace holdfast::engine {

namespace asio = boost::asio;

class JournalPort {
 public:
  JournalPort(journal::Journal& journal, unsigned shard) : journal_(journal), shard_(shard) {}

  // The epoch that append() submits under (see Journal): it changes when a completion tells of a refusal.
  std::uint64_t epoch() const { return epoch_; }
  asio::awaitable<journal::Completion> append(const journal::Operation& operation);
  void acknowledge(std::vector<Lsn> lsns);

  // For the completions that the journal thread posted.
  void deliver(std::vector<journal::Completion> completions);

 private:
  journal::Journal& journal_;
  unsigned shard_;
  std::uint64_t epoch_ = 0;
};

}  // namespace holdfast::engine
