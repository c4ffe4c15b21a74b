// A memory store in memory whose writes go wrong as a script says: refused until it is tried again, committed
// with the answer lost, committed twice, late, or refused for good. It keeps the contract of MemoryStore:
// insert if absent, operations guarded by LSN, a batch all or nothing. Thread-safe.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "holdfast/store/memory_store.hpp"

namespace holdfast::store {

enum class Fate {
  commit,
  fail,               // nothing happens; the answer says try again
  commit_unanswered,  // committed; the answer says try again
  commit_twice,       // applied again behind everything that is written meanwhile
  discard,            // answered as stored, and nothing is kept
};

class ScriptedStore final : public MemoryStore {
 public:
  // fate: of each write call, asked on the writer's thread (it may take its time). refuses: contents that are
  // never taken.
  explicit ScriptedStore(std::function<Fate()> fate, std::function<bool(const std::string&)> refuses = {})
      : fate_(std::move(fate)), refuses_(std::move(refuses)) {}

  // What is stored of a session, in the order in which it was first inserted.
  std::vector<Message> stored(const std::string& session_id) const {
    const std::lock_guard lock(mutex_);
    std::vector<Message> messages;
    for (const auto& id : order_) {
      const auto found = rows_.find(id);
      if (found != rows_.end() && found->second.message.session_id == session_id) {
        messages.push_back(found->second.message);
      }
    }
    return messages;
  }
  std::uint64_t write_calls() const { return calls_; }
  // What happens between finding messages and answering with them; on the caller's thread.
  std::function<void()> after_find;

  std::vector<Result<void>> write(std::span<const SessionBatch> batches) override {
    const auto fate = fate_();
    const std::lock_guard lock(mutex_);
    ++calls_;
    for (const auto& late : again_) (void)apply(late, true);
    again_.clear();
    std::vector<Result<void>> answers;
    for (const auto& batch : batches) {
      if (fate == Fate::fail) {
        answers.push_back(retryable("500"));
        continue;
      }
      if (fate == Fate::discard) {
        answers.emplace_back();
        continue;
      }
      auto answer = apply(batch);
      if (answer && fate == Fate::commit_twice) again_.push_back(batch);
      if (answer && fate == Fate::commit_unanswered) answer = retryable("connection reset");
      answers.push_back(std::move(answer));
    }
    return answers;
  }

  Result<ImportAnswer> import_messages(const std::function<std::vector<ImportedMessage>()>&, Timestamp,
                                       Lsn) override {
    return ImportAnswer{};
  }
  Result<Scanned> scan_messages(const MessageScan&) override { return Scanned{}; }
  Result<Lsn> last_lsn() override { return Lsn{0}; }
  Result<Outcome> create_user(const User& user) override {
    const std::lock_guard lock(mutex_);
    users_[user.id] = user;
    return Outcome::done;
  }
  Result<std::optional<User>> user(std::string_view id) override {
    const std::lock_guard lock(mutex_);
    const auto found = users_.find(std::string(id));
    return found == users_.end() ? std::nullopt : std::optional(found->second);
  }
  Result<Outcome> create_session(const Session& session) override {
    const std::lock_guard lock(mutex_);
    sessions_[session.id] = session;
    return Outcome::done;
  }
  Result<std::optional<SessionEntry>> session(std::string_view id) override {
    const std::lock_guard lock(mutex_);
    const auto found = sessions_.find(std::string(id));
    if (found == sessions_.end()) return std::optional<SessionEntry>{};
    return std::optional(SessionEntry{found->second, 0});
  }
  Result<std::vector<Message>> find_messages(std::string_view, std::span<const std::string> ids) override {
    std::vector<Message> found;
    {
      const std::lock_guard lock(mutex_);
      for (const auto& id : ids) {
        if (const auto row = rows_.find(id); row != rows_.end()) found.push_back(row->second.message);
      }
    }
    if (after_find) after_find();
    return found;
  }

  // Not part of any script.
  Result<std::optional<User>> user_by_name(std::string_view) override { return std::optional<User>{}; }
  Result<std::vector<User>> users() override { return std::vector<User>{}; }
  Result<Outcome> update_user(const User&) override { return Outcome::done; }
  Result<Outcome> erase_user(std::string_view) override { return Outcome::done; }
  Result<Outcome> create_agent(const Agent&) override { return Outcome::done; }
  Result<std::optional<Agent>> agent(std::string_view) override { return std::optional<Agent>{}; }
  Result<std::optional<Agent>> agent_by_name(std::string_view) override { return std::optional<Agent>{}; }
  Result<std::vector<Agent>> agents() override { return std::vector<Agent>{}; }
  Result<Outcome> update_agent(const Agent&) override { return Outcome::done; }
  Result<Outcome> erase_agent(std::string_view) override { return Outcome::done; }
  Result<std::vector<Session>> sessions(const SessionFilter&) override { return std::vector<Session>{}; }
  Result<Outcome> rename_session(std::string_view, std::string_view, Timestamp) override {
    return Outcome::done;
  }
  Result<Outcome> erase_session(std::string_view) override { return Outcome::done; }
  Result<std::vector<Message>> messages(const MessageListing&) override { return std::vector<Message>{}; }
  Result<void> add_knowledge(std::span<const Knowledge>, std::span<const text::Features>) override {
    return {};
  }
  Result<std::vector<Knowledge>> knowledge(std::string_view) override { return std::vector<Knowledge>{}; }
  Result<std::vector<Knowledge>> find_knowledge(std::string_view, std::span<const std::string>) override {
    return std::vector<Knowledge>{};
  }
  Result<void> update_knowledge(const Knowledge&, const text::Features&) override { return {}; }
  Result<void> erase_knowledge(std::string_view, std::span<const std::string>) override { return {}; }
  Result<StoreAnswer> search(const StoreQuery&) override { return StoreAnswer{}; }
  Result<void> warm_up() override { return {}; }
  Result<PendingVectors> pending_vectors(std::size_t, std::size_t) override { return PendingVectors{}; }
  Result<void> set_vectors(std::span<const LateVector>) override { return {}; }
  Result<void> give_up_vectors(std::span<const std::int64_t>) override { return {}; }
  Result<StoreCounts> counts() override { return StoreCounts{}; }
  std::size_t cached_bytes() const override { return 0; }
  std::size_t limit_cache(double) override { return 0; }

 private:
  struct Row {
    Message message;
    Lsn lsn = 0;
  };

  // repeated: the store knows the batch's id, and brings nothing back that was deleted since.
  Result<void> apply(const SessionBatch& batch, bool repeated = false) {
    if (!sessions_.contains(batch.session_id)) return permanent("no such session");
    for (const auto& operation : batch.operations) {
      const std::string* content = nullptr;
      if (const auto* insert = std::get_if<InsertMessage>(&operation)) content = &insert->message.content;
      if (const auto* update = std::get_if<UpdateMessage>(&operation)) content = &update->content;
      if (content && refuses_ && refuses_(*content)) return permanent("never");
    }
    for (const auto& operation : batch.operations) {
      if (const auto* insert = std::get_if<InsertMessage>(&operation)) {
        const auto& id = insert->message.id;
        if (repeated && erased_.contains(id) && insert->lsn < erased_[id]) continue;
        if (rows_.emplace(id, Row{insert->message, insert->lsn}).second) order_.push_back(id);
      } else if (const auto* update = std::get_if<UpdateMessage>(&operation)) {
        const auto row = rows_.find(update->id);
        if (row == rows_.end() || (update->lsn != 0 && update->lsn <= row->second.lsn)) continue;
        row->second.message.content = update->content;
        row->second.lsn = std::max(row->second.lsn, update->lsn);
      } else {
        const auto& erase = std::get<EraseMessage>(operation);
        const auto row = rows_.find(erase.id);
        erased_[erase.id] = std::max(erased_[erase.id], erase.lsn);
        if (row != rows_.end() && (erase.lsn == 0 || erase.lsn > row->second.lsn)) {
          rows_.erase(row);
          std::erase(order_, erase.id);
        }
      }
    }
    return {};
  }

  const std::function<Fate()> fate_;
  const std::function<bool(const std::string&)> refuses_;
  mutable std::mutex mutex_;
  std::map<std::string, User> users_;
  std::map<std::string, Session> sessions_;
  std::map<std::string, Row> rows_;
  std::map<std::string, Lsn> erased_;
  std::vector<std::string> order_;
  std::vector<SessionBatch> again_;
  std::uint64_t calls_ = 0;
};

}  // namespace holdfast::store
