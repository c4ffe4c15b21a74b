// Rounds of this shard that are only in the journal: acknowledged while memory was critical, or while the
// store took nothing and the memory for buffers was full; or taken out of the buffers while both was so. So
// memory stays flat in an outage of any length. A session that has such rounds gives all later ones here too,
// so that its order is kept, until it has got all of them back.
//
// They are not found by queries meanwhile (the answers say "partial"). Owned by the shard's thread.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <string_view>
#include <vector>

#include "holdfast/engine/parts.hpp"
#include "holdfast/engine/session_table.hpp"
#include "holdfast/metrics/probes.hpp"

namespace holdfast::engine {

class Backlog {
 public:
  // shard: this one of shard_count. Everything referenced must outlive the backlog.
  Backlog(const Parts& parts, SessionTable& table, unsigned shard, unsigned shard_count,
          metrics::ShardProbe& probe)
      : parts_(parts), table_(table), shard_(shard), shard_count_(shard_count), probe_(probe) {}

  // The round goes out of memory; its LSN is not acknowledged. Not while read() runs where an earlier one is
  // in the backlog already.
  void take(SessionState& session, const buffer::BufferedRound& round);

  bool empty() const { return read_until_.lsn >= last_; }
  // Reads the next rounds again, about that many bytes of them. Answer: those that are still owed, in LSN
  // order, to be added to their sessions' buffers. One call at a time.
  asio::awaitable<Result<std::vector<journal::ReplayedRecord>>> read(std::size_t bytes);

  // Whether a message of the user with this id may be only in the journal. True for any id where the user
  // has more such messages than ids are kept of.
  bool may_hold(const UserState& user, std::string_view id) const;

  // What read() gave is about to be added: false where the session is gone (the LSN is then free).
  bool give_back(const journal::ReplayedRecord& record);
  void forget(SessionState& session);

 private:
  void keep_ids(UserState& user, const buffer::BufferedRound& round);
  void drop_ids(UserState& user);
  void leave(UserState& user, std::size_t bytes);

  const Parts& parts_;
  SessionTable& table_;
  const unsigned shard_;
  const unsigned shard_count_;
  metrics::ShardProbe& probe_;
  journal::ReadPosition read_until_;  // everything of the backlog before it has been given back
  Lsn last_ = 0;                      // the last one that was taken
  std::size_t kept_ids_ = 0;          // of all users
};

}  // namespace holdfast::engine
