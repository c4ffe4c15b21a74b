// The memory store: what holds everything for good. Catalogue (users, agents, sessions), messages, knowledge,
// and the search over them. Every call blocks, is thread-safe, and when it returns success its effect is
// durable (it survives a power cut).
//
// Errors: retryable (busy, unreachable, I/O), permanent (this content or request will never be accepted).
// Not found and name taken are outcomes, not errors.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "holdfast/base/result.hpp"
#include "holdfast/model/types.hpp"
#include "holdfast/text/features.hpp"
#include "holdfast/text/frozen_stats.hpp"
#include "holdfast/text/scorer.hpp"

namespace holdfast::store {

enum class Outcome { done, not_found, name_taken };

// Operations on the messages of a session. A change with lsn = 0 (bypass mode) passes every guard.
struct InsertMessage {  // does nothing when the user already has a message of this id
  Message message;
  Lsn lsn = 0;
  text::SharedFeatures features;  // of the content; not null when the store gets it
};
struct UpdateMessage {  // does nothing when the message is absent or carries a later LSN
  std::string id;
  Role role = Role::user;
  std::string content;
  std::string metadata;
  Timestamp updated_at{};
  Lsn lsn = 0;
  text::SharedFeatures features;  // likewise
};
struct EraseMessage {  // does nothing when the message is absent or carries a later LSN
  std::string id;
  Lsn lsn = 0;
};
using MessageOperation = std::variant<InsertMessage, UpdateMessage, EraseMessage>;

// Operations of one session, applied in order, all or nothing. The id is stable over retries.
struct SessionBatch {
  std::string id;
  std::string user_id;
  std::string session_id;
  std::vector<MessageOperation> operations;
  std::uint64_t last_seq = 0;  // numbers up to it have been given out, also to messages that are not in here
};

struct SessionEntry {  // what the owner shard keeps of a session
  Session session;
  std::uint64_t last_seq = 0;  // the highest sequence number ever stored for it (deleted messages count)
};

struct SessionFilter {
  std::optional<std::string> user_id, agent_id, name;
};

enum class SortBy : std::uint8_t { timestamp, id };
enum class Order : std::uint8_t { ascending, descending };

struct MessageListing {
  std::string session_id;
  SortBy sort_by = SortBy::timestamp;  // timestamp: created_at, then seq
  Order order = Order::descending;
  std::size_t limit = 20;
};

// Of a session that has something in the buffers: what the scores of its messages need across the border
// between buffers and store (text/scorer.hpp: the messages before count).
struct SessionBorder {
  struct Buffered {
    std::uint64_t seq = 0;
    std::vector<std::uint32_t> frequencies;  // of the query's terms
    std::uint64_t length = 0;                // terms
    std::optional<double> similarity;        // text::OwnParts::similarity
  };
  std::string session_id;
  std::vector<Buffered> buffered;     // instead of what the store has at these places
  std::vector<std::uint64_t> wanted;  // places whose stored messages' parts the answer is to tell
};

struct StoreQuery {
  std::string user_id;
  std::optional<std::string> agent_id;
  text::PreparedQuery query;
  text::CorpusStats other_sources;  // of the buffers; added to the store's own before scoring
  text::FrozenStats frozen;         // what is known here is used instead
  std::vector<SessionBorder> borders;
  std::vector<std::string> erased;  // stored messages that must not count as the ones before others
  // Only these items are scored, and frozen must know the size and every term; nothing: all of the user's.
  std::optional<std::vector<std::string>> only;
  SourceFilter source = SourceFilter::all;
  text::ChunkStrategy chunks = text::ChunkStrategy::message;
  bool include_messages = true;
  bool include_knowledge = true;
  std::size_t limit = 5;
};

struct StoreAnswer {
  std::vector<ScoredResult> results;  // best first: score descending, then id ascending
  text::CorpusStats stats;  // what was scored with, and the buffers must be: store and other_sources
                            // together, with frozen put over them
  // For each of the query's borders, for each wanted place: the parts of the message there by itself, empty
  // ones where there is none. Empty for an unknown user.
  std::vector<std::vector<text::OwnParts>> wanted;
};

struct StoreCounts {
  std::uint64_t users = 0, agents = 0, sessions = 0, messages = 0, knowledge = 0, bytes = 0;
};

// An item that was stored while its vector was pending (text::Features). The mark is of this content of this
// item: a change of the item gives it another one.
struct PendingVector {
  std::int64_t mark = 0;
  std::string user_id;
  std::string content;
};
struct PendingVectors {
  std::vector<PendingVector> items;  // the longest pending first
  std::uint64_t total = 0;           // of the whole store, refused ones left out
};
struct LateVector {
  std::int64_t mark = 0;
  std::vector<std::int8_t> vectors;  // text::Features::vectors; not empty
};

// A message with the names that say where it belongs, as imports and exports tell it. Of the message's own
// fields session_id, seq and tokens are not used: they follow from where it is stored.
struct NamedMessage {
  std::string user, agent, session;  // names; a session's name is unique per user
  Message message;
};
struct ImportedMessage {
  NamedMessage named;
  text::Features features;
};
enum class ImportRefusal : std::uint8_t {
  other_content,  // the user has a message of this id with other content
  other_agent,    // the user's session of this name is another agent's
};
struct ImportAnswer {
  std::uint64_t added = 0;
  std::uint64_t present = 0;                                   // were there already, unchanged
  std::vector<std::pair<std::size_t, ImportRefusal>> refused;  // (n-th message given, from 0)
};

struct MessageScan {
  std::optional<std::string> user;  // by name; without it everybody's
  std::int64_t after = 0;           // Scanned::last of the page before; 0: from the beginning
  std::size_t limit = 1000;
  std::size_t max_bytes = 1u << 20;  // of content and metadata, but at least one message
};
struct Scanned {
  std::vector<NamedMessage> messages;  // in the order in which they were stored; none: there is no more
  std::int64_t last = 0;
};

class MemoryStore {
 public:
  virtual ~MemoryStore() = default;

  // One answer a batch. What arrives from several callers at a time may share one transaction. A batch for a
  // session that does not exist (any more) is refused as permanent.
  virtual std::vector<Result<void>> write(std::span<const SessionBatch> batches) = 0;

  // One transaction: takes what next() gives, on the caller's thread and holding the writer, until it gives
  // nothing. Users, agents and sessions that are missing are made with created_at = now; a message goes
  // behind those of its session, and bears that LSN (the journal's last). Only while nothing else writes: a
  // running daemon numbers its sessions itself.
  virtual Result<ImportAnswer> import_messages(const std::function<std::vector<ImportedMessage>()>& next,
                                               Timestamp now, Lsn lsn) = 0;
  // A page of all messages. A session whose agent was erased tells that agent's id for its name. Error
  // (permanent): there is no such user.
  virtual Result<Scanned> scan_messages(const MessageScan& scan) = 0;

  // Which store this is: made with it, and the same in its copies. Empty: it cannot tell.
  virtual Result<std::string> id() { return std::string(); }
  // The latest LSN ever given to write(), 0 when none: the journal must not reuse it.
  virtual Result<Lsn> last_lsn() = 0;

  // Ids and timestamps are the caller's. Names are unique per table, session names per user.
  virtual Result<Outcome> create_user(const User& user) = 0;
  virtual Result<std::optional<User>> user(std::string_view id) = 0;
  virtual Result<std::optional<User>> user_by_name(std::string_view name) = 0;
  virtual Result<std::vector<User>> users() = 0;                // by created_at
  virtual Result<Outcome> update_user(const User& user) = 0;    // name, description, updated_at
  virtual Result<Outcome> erase_user(std::string_view id) = 0;  // with sessions, messages, knowledge

  virtual Result<Outcome> create_agent(const Agent& agent) = 0;
  virtual Result<std::optional<Agent>> agent(std::string_view id) = 0;
  virtual Result<std::optional<Agent>> agent_by_name(std::string_view name) = 0;
  virtual Result<std::vector<Agent>> agents() = 0;
  virtual Result<Outcome> update_agent(const Agent& agent) = 0;
  virtual Result<Outcome> erase_agent(std::string_view id) = 0;  // its sessions stay

  virtual Result<Outcome> create_session(const Session& session) = 0;
  virtual Result<std::optional<SessionEntry>> session(std::string_view id) = 0;
  virtual Result<std::vector<Session>> sessions(const SessionFilter& filter) = 0;  // by created_at
  virtual Result<Outcome> rename_session(std::string_view id, std::string_view name,
                                         Timestamp updated_at) = 0;
  virtual Result<Outcome> erase_session(std::string_view id) = 0;  // with its messages

  virtual Result<std::vector<Message>> messages(const MessageListing& listing) = 0;
  // Those that exist, in any order.
  virtual Result<std::vector<Message>> find_messages(std::string_view user_id,
                                                     std::span<const std::string> ids) = 0;

  virtual Result<void> add_knowledge(std::span<const Knowledge> items,
                                     std::span<const text::Features> features) = 0;
  virtual Result<std::vector<Knowledge>> knowledge(std::string_view user_id) = 0;  // by created_at
  virtual Result<std::vector<Knowledge>> find_knowledge(std::string_view user_id,
                                                        std::span<const std::string> ids) = 0;
  virtual Result<void> update_knowledge(const Knowledge& item, const text::Features& features) = 0;
  virtual Result<void> erase_knowledge(std::string_view user_id, std::span<const std::string> ids) = 0;

  virtual Result<StoreAnswer> search(const StoreQuery& query) = 0;
  // Reads ahead what a user's first search would, for those who were written to last, as far as there is room
  // for it in memory. Changes no answer.
  virtual Result<void> warm_up() = 0;

  // Of about max_bytes of content at most, but at least one item where there is any.
  virtual Result<PendingVectors> pending_vectors(std::size_t limit, std::size_t max_bytes) = 0;
  // Searches find the items by these vectors from now on. Marks that are gone are passed over.
  virtual Result<void> set_vectors(std::span<const LateVector> vectors) = 0;
  // Nobody can make vectors of these: pending_vectors() leaves them out until the store is opened again.
  virtual Result<void> give_up_vectors(std::span<const std::int64_t> marks) = 0;

  virtual Result<StoreCounts> counts() = 0;

  // Memory it keeps between searches to be quicker, in bytes. Any thread; waits for no call.
  virtual std::size_t cached_bytes() const = 0;
  // So much of its limit for that (0…1) from now on, and below 1 nothing new. Answers how many bytes that
  // gave back.
  virtual std::size_t limit_cache(double share) = 0;
};

}  // namespace holdfast::store
