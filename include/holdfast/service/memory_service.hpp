// The product without HTTP: every operation of the interface, callable from any shard. An operation on a
// user's messages runs on the shard that owns the user (one hop there, one back); one on the catalogue alone
// runs where it is called. Everything passed in is a value; nothing returned refers to shard state.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "holdfast/engine/largest_users.hpp"
#include "holdfast/engine/user_shard.hpp"
#include "holdfast/ingest/ingest_path.hpp"
#include "holdfast/query/query_path.hpp"

namespace holdfast::service {

namespace asio = boost::asio;
using engine::AddAnswer;
using engine::Outcome;

enum class NamedKind { user, agent };  // users and agents have the same catalogue

struct FlushRequest {
  std::optional<std::string> user_id, session_id;  // neither: everything
  bool wait = true;
};
struct FlushAnswer {
  std::uint64_t sessions = 0;          // that had something to flush
  std::uint64_t messages = 0;          // buffered when asked
  std::uint64_t pending_sessions = 0;  // not yet in the store when answered
};

struct DeadLetterList {
  std::vector<flush::DeadLetter> letters;  // the oldest ones
  std::size_t total = 0;
};

struct LargeUser {
  engine::UserMemory memory;
  std::optional<std::string> name;  // nothing: the user is gone, or the store did not answer in time
};

class MemoryService {
 public:
  // shards[i] runs on set.executor(i). Everything must outlive the service.
  MemoryService(const engine::Parts& parts, runtime::ShardSet& set,
                std::vector<std::unique_ptr<engine::UserShard>>& shards)
      : parts_(parts), set_(set), shards_(shards) {}

  const engine::Parts& parts() const { return parts_; }

  asio::awaitable<Outcome<std::vector<User>>> list_named(NamedKind kind);
  asio::awaitable<Outcome<User>> find_named(NamedKind kind, std::string id);
  asio::awaitable<Outcome<User>> find_by_name(NamedKind kind, std::string name);
  asio::awaitable<Outcome<User>> create_named(NamedKind kind, std::string name, std::string description);
  asio::awaitable<Outcome<User>> change_named(NamedKind kind, std::string id, std::optional<std::string> name,
                                              std::optional<std::string> description);
  asio::awaitable<Outcome<void>> erase_user(std::string id);
  asio::awaitable<Outcome<void>> erase_agent(std::string id);

  asio::awaitable<Outcome<std::vector<Session>>> list_sessions(store::SessionFilter filter);
  asio::awaitable<Outcome<Session>> find_session(std::string id);
  asio::awaitable<Outcome<std::string>> session_user(std::string id);  // whose it is, from memory where known
  asio::awaitable<Outcome<Session>> create_session(std::string user_id, std::string agent_id,
                                                   std::optional<std::string> name);
  asio::awaitable<Outcome<Session>> rename_session(std::string id, std::optional<std::string> name);
  asio::awaitable<Outcome<void>> erase_session(std::string id);

  asio::awaitable<Outcome<AddAnswer>> add_messages(ingest::AddRequest request);
  asio::awaitable<Outcome<std::vector<Message>>> list_messages(query::Listing listing);
  asio::awaitable<Outcome<std::vector<Message>>> read_messages(std::string session_id,
                                                               std::vector<std::string> ids);
  asio::awaitable<Outcome<std::vector<std::string>>> update_messages(
      std::string session_id, std::vector<ingest::MessageUpdate> updates);
  asio::awaitable<Outcome<std::vector<std::string>>> erase_messages(std::string session_id,
                                                                    std::vector<std::string> ids);

  asio::awaitable<Outcome<query::Answer>> query(Query query);

  asio::awaitable<Outcome<std::vector<Knowledge>>> list_knowledge(std::string user_id);
  asio::awaitable<Outcome<std::vector<Knowledge>>> read_knowledge(std::string user_id,
                                                                  std::vector<std::string> ids);
  asio::awaitable<Outcome<std::vector<std::string>>> add_knowledge(std::string user_id,
                                                                   std::vector<std::string> contents);
  // Pairs of id and new content; ids that do not exist are left out of the answer.
  asio::awaitable<Outcome<std::vector<std::string>>> update_knowledge(
      std::string user_id, std::vector<std::pair<std::string, std::string>> changes);
  asio::awaitable<Outcome<std::vector<std::string>>> erase_knowledge(std::string user_id,
                                                                     std::vector<std::string> ids);

  asio::awaitable<Outcome<FlushAnswer>> flush(FlushRequest request);
  asio::awaitable<void> clear_caches();

  // The users who take the most memory, on all shards one after the other (engine/largest_users.hpp tells the
  // cost). Their names come from the store, which gets half a second for it.
  asio::awaitable<std::vector<LargeUser>> largest_users(std::size_t count);

  // What the store refused for good (holdfast/flush/dead_letters.hpp).
  asio::awaitable<Outcome<DeadLetterList>> list_dead_letters(std::size_t limit);
  asio::awaitable<Outcome<void>> retry_dead_letter(std::string id);
  asio::awaitable<Outcome<void>> erase_dead_letter(std::string id);

  // From now on, on every shard.
  asio::awaitable<void> reconfigure(std::shared_ptr<const engine::Options> options);

  // Flushes everything on every shard, until the deadline. Answer: sessions that still have something
  // unstored.
  asio::awaitable<std::uint64_t> drain(metrics::FlushReason reason, SteadyTime deadline);

 private:
  // Nothing for an id that no session made here can have.
  engine::UserShard* session_owner(std::string_view session_id);
  engine::UserShard& user_owner(std::string_view user_id);
  asio::awaitable<Outcome<void>> require_user(std::string user_id);
  asio::awaitable<Outcome<flush::DeadLetter>> find_dead_letter(std::string id);
  asio::awaitable<Outcome<void>> remove_dead_letter(std::string id);
  asio::awaitable<Outcome<void>> remove_letters_of(std::string flush::DeadLetter::*owner, std::string id);
  // On the owner shard: what was answered about the user no longer holds.
  asio::awaitable<void> mark_written(std::string user_id);
  // Likewise, of these items alone.
  asio::awaitable<void> mark_changed(std::string user_id, std::vector<std::string> ids);

  const engine::Parts& parts_;
  runtime::ShardSet& set_;
  std::vector<std::unique_ptr<engine::UserShard>>& shards_;
};

}  // namespace holdfast::service
