// All of one session that is not yet in the store: round buffer → hybrid buffer → one batch in flight, and
// the operations on messages that are already past the buffers. A pure state machine on the owner shard's
// thread: no Asio, no threads, only the time it is given.
//
// Operation. add() and advance() move rounds on; flush_due() says when and why the hybrid buffer should be
// flushed; take_batch() makes everything in it the batch in flight (one at a time, so a session's order is
// kept); the batch stays readable until batch_settled(). What is taken stays in memory here: the caller sends
// copies to the store.
//
// Limits. The buffers themselves are bounded by the caller's byte budget, a batch by kMaxBatchMessages and
// kMaxBatchBytes of texts: operations first (those of one record together), and once none is left whole
// rounds, at least one.
#pragma once

#include <boost/container/deque.hpp>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>
#include <vector>

#include "holdfast/buffer/buffered_round.hpp"
#include "holdfast/buffer/options.hpp"
#include "holdfast/buffer/round_buffer.hpp"
#include "holdfast/metrics/probes.hpp"

namespace holdfast::buffer {

using metrics::FlushReason;
using metrics::Stage;

inline constexpr std::size_t kMaxBatchMessages = 1000;
inline constexpr std::size_t kMaxBatchBytes = 1u << 20;

// An operation on a message that is past the round and hybrid buffers. It waits behind the batch in flight
// and goes to the store with the next one.
struct Change {
  Message message;  // as it is to be
};
struct Erasure {
  std::string id;
};
struct StoreOperation {
  Lsn lsn = 0;
  std::variant<Change, Erasure> what;
  bool hidden = false;  // from readers: the buffers hold the message as changed, or it was done before
  std::string_view id() const;
};

struct Batch {
  std::uint64_t number = 0;  // of this session's batches in this process
  FlushReason reason = FlushReason::size;
  std::vector<StoreOperation> operations;  // applied before the rounds
  std::vector<BufferedRound> rounds;

  std::size_t message_count() const;
  std::size_t bytes() const;
  std::size_t operation_bytes() const;
  std::vector<Lsn> lsns() const;  // some of which the buffers may hold, too (not_held)
};

struct Replaced {  // what a change or erasure in place took away, for accounting
  Stage stage;
  std::size_t bytes;
  bool maybe_stored;  // of its round
};

struct Applied {
  std::optional<Replaced> in_place;
  std::size_t queued_bytes = 0;  // of the operation that now waits for the store, if one does
};

class SessionBuffer {
 public:
  // options must outlive the buffer.
  explicit SessionBuffer(const Options& options) : options_(&options), round_buffer_(options.round) {}

  // A durable round joins. Returns the rounds that moved to the hybrid buffer with it (already moved; for
  // counting).
  struct Move {
    TransferReason reason;
    std::size_t messages = 0;
    std::size_t bytes = 0;
  };
  std::vector<Move> add(BufferedRound round, SteadyTime now);

  // Moves rounds whose time has come (idle, force).
  std::vector<Move> advance(SteadyTime now);

  // Moves everything to the hybrid buffer and asks for its flush.
  std::vector<Move> request_flush(FlushReason reason, SteadyTime now);

  // Why the hybrid buffer should be flushed now; nothing while a batch is in flight or nothing is there.
  std::optional<FlushReason> flush_due(SteadyTime now) const;

  // The next moment at which advance() or flush_due() can have news by time alone.
  std::optional<SteadyTime> next_deadline() const;

  // Precondition: flush_due(). The batch is valid until batch_settled().
  const Batch& take_batch(FlushReason reason);
  const Batch* in_flight() const { return in_flight_ ? &*in_flight_ : nullptr; }
  Batch batch_settled();  // in the store, or given up: gone from here

  // Rounds in which nothing was changed leave the buffers, oldest first in the answer: as many as have no
  // other round behind them that stays.
  struct Dropped {
    Stage stage;
    BufferedRound round;
  };
  std::vector<Dropped> drop_newest_unchanged();

  // Journalled operations on a message. In the round or hybrid buffer it is changed in place; where it is in
  // flight or in the store, or may be in the store too, an operation for the store is queued. Where an
  // erasure in place leaves a round empty, its LSNs are appended to released.
  // Done before: a repetition by replay. The store has it behind it, unless what is changed is replayed too;
  // readers see what the store has, which may be newer (it is guarded by LSN).
  enum class Done { never, before };
  Applied update(const Change& change, Lsn lsn, Done done = Done::never);
  Applied erase(std::string_view id, Lsn lsn, std::vector<Lsn>& released, Done done = Done::never);

  // Visits every message that is in a buffer or whose stored copy waits for a change, as it is to be, erased
  // ones left out. What it visits wins over the store's copy.
  using Visitor = std::function<void(Stage, const Message&)>;
  void for_each(const Visitor& visit) const;
  void for_each_in_round_buffer(const Visitor& visit) const;
  // Ids whose stored copy must not be shown: an erasure waits for the store.
  void for_each_erasure(const std::function<void(std::string_view)>& visit) const;
  // The message as for_each would show it.
  const Message* find(std::string_view id) const;

  bool empty() const;  // nothing held, queued or in flight
  std::size_t round_count() const { return round_buffer_.rounds().size(); }
  std::size_t round_tokens() const { return round_buffer_.tokens(); }
  std::optional<SteadyTime> oldest() const;           // when its oldest unstored round became durable
  std::uint64_t entered() const { return entered_; }  // rounds and operations, ever
  std::uint64_t settled() const { return settled_; }

  struct Held {
    std::size_t messages = 0, bytes = 0;  // bytes of their texts
  };
  Held held() const;                    // in the buffers and in flight
  std::size_t operation_bytes() const;  // of those that wait: texts and overhead

  // LSNs of everything held, to acknowledge when the session itself is deleted.
  std::vector<Lsn> all_lsns() const;
  // Those of these that nothing here holds any more: to acknowledge. (A change may concern several rounds and
  // messages that are past the buffers.)
  std::vector<Lsn> not_held(std::vector<Lsn> lsns) const;

 private:
  void release_storage();
  std::vector<Move> move_on(std::vector<Moved> moved, SteadyTime now);
  std::size_t queue_unless_new(const std::optional<Replaced>& in_place, StoreOperation operation);
  // The last operation that waits for each message and is shown; empty most of the time.
  std::unordered_map<std::string_view, const StoreOperation*> pending() const;

  const Options* options_;
  RoundBuffer round_buffer_;
  // Oldest first. An empty std::deque would hold a block of 480 bytes and its map.
  boost::container::deque<BufferedRound> hybrid_;
  std::vector<StoreOperation> operations_;  // for the store, behind the batch in flight
  std::optional<Batch> in_flight_;
  std::optional<FlushReason> requested_;
  std::optional<SteadyTime> last_added_;
  std::uint64_t next_batch_ = 1;
  std::uint64_t entered_ = 0;
  std::uint64_t settled_ = 0;
};

}  // namespace holdfast::buffer
