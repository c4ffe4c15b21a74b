// The users and sessions a shard knows: the catalogue entries it has met (the store has all of them) and,
// with them, what of each is buffered. Owned by the shard's thread.
//
// Pointers into the table are valid until the next co_await: look up again after each.
#pragma once

#include <algorithm>
#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "holdfast/buffer/session_buffer.hpp"
#include "holdfast/cache/epoch.hpp"
#include "holdfast/engine/failure.hpp"
#include "holdfast/engine/kept_features.hpp"
#include "holdfast/engine/parts.hpp"
#include "holdfast/engine/string_map.hpp"
#include "holdfast/flush/bisection.hpp"

namespace holdfast::engine {

namespace asio = boost::asio;

// There are as many as sessions: the order of the members leaves no holes, so that one with its key and links
// is of the allocator's 640 bytes, not of its next size, 768.
struct SessionState {
  SessionState(Session entry, std::uint64_t last_seq, const buffer::Options& options)
      : session(std::move(entry)), next_seq(last_seq + 1), buffer(options) {}

  // Nothing of it is owed, by the buffers or by a request that is being served; nobody refers to it.
  bool idle() const {
    return buffer.empty() && backlog.messages == 0 && writes_under_way == 0 && direct_writes == 0 &&
           !place_in_line;
  }

  Session session;
  std::uint64_t next_seq;
  std::uint64_t numbered_from_epoch = 0;  // of the journal, when next_seq was last lowered
  buffer::SessionBuffer buffer;
  struct {         // rounds that are only in the journal (Backlog)
    Lsn next = 0;  // the first of them
    std::uint64_t rounds = 0;
    std::uint64_t messages = 0;
    std::size_t bytes = 0;
  } backlog;
  std::uint64_t erasures_noted = 0;  // their beginnings and ends, ever
  unsigned writes_under_way = 0;     // journalled and not applied yet
  unsigned direct_writes = 0;        // on their way to the store past the buffers (bypass)
  unsigned changes_under_way = 0;    // of both, updates and erasures
  unsigned erasures_under_way = 0;   // of these

  // Of the flush loop alone
  bool with_worker = false;  // the batch in flight is queued or being written
  enum class Verification : std::uint8_t { none, due, passed } verification = Verification::none;
  unsigned attempts = 0;                      // of the batch in flight that failed
  std::optional<flush::Bisection> bisection;  // of the batch in flight: what of it is still to be written
  std::uint64_t dead_in_batch = 0;            // messages of the batch in flight that became dead letters
  std::optional<SteadyTime> retry_at;         // when the batch in flight is tried again
  std::optional<SteadyTime> deadline;         // as entered in the loop's schedule
  std::optional<std::list<SessionState*>::iterator> place_in_line;  // for the flush queue
};

struct UserState {
  explicit UserState(metrics::Counter& feature_bytes) : features(feature_bytes) {}

  std::string id;
  bool asks = false;   // queries came
  cache::Epoch epoch;  // of the statistics, with what changed in it
  std::unordered_set<SessionState*> sessions;
  KeptFeatures features;           // of buffered messages (engine/buffered_features.hpp)
  StringSet vectors_requested;     // ids of buffered messages whose vectors a server is asked for
  std::uint64_t writes_noted = 0;  // beginnings and ends of writes, ever
  StringSet ids_in_progress;       // client-made message ids on their way to the journal
  std::size_t held_messages = 0;   // buffered and not yet in the store
  std::size_t held_bytes = 0;      // of these, kMessageOverhead included
  std::size_t writing_bytes = 0;   // of requests on their way to the journal, likewise
  std::size_t backlog_bytes = 0;   // of contents that are only in the journal
  std::unordered_set<std::size_t> backlog_ids;  // hashes of these messages' ids (Backlog)
  bool backlog_ids_known = true;                // false: they were too many to be kept
};

class SessionTable {
 public:
  // probe must outlive this.
  SessionTable(const Parts& parts, metrics::ShardProbe& probe)
      : parts_(parts), probe_(probe), buffer_options_(parts.options->buffer) {}

  SessionState* find_session(std::string_view id);
  UserState* find_user(std::string_view id);

  // From memory, else from the store. not_found or unavailable.
  asio::awaitable<Outcome<SessionState*>> open_session(std::string id);
  asio::awaitable<Outcome<UserState*>> open_user(std::string id);

  // Puts an entry in, or finds it there.
  SessionState& insert(Session session, std::uint64_t last_seq);
  UserState& insert_user(std::string_view id);
  void erase_session(SessionState& session);
  void erase_user(UserState& user);  // with its sessions

  // A user's buffered messages, with so many bytes of content, become more and fewer.
  void hold(UserState& user, std::size_t messages, std::size_t bytes);
  void release(UserState& user, std::size_t messages, std::size_t bytes);
  std::size_t holders() const { return holders_; }  // users with something buffered

  // An item of the user was written, or changed so that no other's score changes (cache/epoch.hpp): answers
  // stay good but for this item.
  void changed(UserState& user, std::string_view id) {
    if (!user.epoch.note_change(id)) written(user);
  }
  // Likewise of the message that is or was at this place of the session, where those right behind it are
  // scored with what changed: they count as changed too. Where one of them is not buffered (its id is not
  // known here) this is written().
  void changed_with_next(UserState& user, const SessionState& session, std::uint64_t seq,
                         std::string_view id);
  // More than single items changed, or it is not known what: a new epoch, no earlier answer holds.
  void written(UserState& user) { user.epoch.restart(++last_epoch_); }
  std::vector<SessionState*> all_sessions();
  // The users of some of the table's buckets; a walk in steps begins anew when their number has changed.
  std::size_t user_buckets() const { return users_.bucket_count(); }
  template <class Visit>
  void for_each_user(std::size_t from_bucket, std::size_t to_bucket, Visit visit) const {
    for (auto bucket = from_bucket; bucket < std::min(to_bucket, users_.bucket_count()); ++bucket) {
      for (auto user = users_.begin(bucket); user != users_.end(bucket); ++user) visit(user->second);
    }
  }
  void reconfigure(const buffer::Options& options);  // of all sessions, from now on

 private:
  void evict_idle_sessions();
  void evict_idle_users();

  const Parts& parts_;
  metrics::ShardProbe& probe_;
  buffer::Options buffer_options_;  // which every session's buffer refers to
  StringMap<SessionState> sessions_;
  StringMap<UserState> users_;
  std::uint64_t last_epoch_ = 0;
  std::size_t holders_ = 0;
};

}  // namespace holdfast::engine
