#include "holdfast/store/sqlite_store.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <memory>
#include <mutex>

#include "catalogue.hpp"
#include "database.hpp"
#include "item_index.hpp"
#include "item_writer.hpp"
#include "pending_vectors.hpp"
#include "schema.hpp"
#include "search.hpp"
#include "transfer.hpp"

namespace holdfast::store {
namespace {

constexpr std::size_t kReaders = 4;

template <class Work>
auto guarded(Work work) -> Result<decltype(work())> {
  try {
    if constexpr (std::is_void_v<decltype(work())>) {
      work();
      return {};
    } else {
      return work();
    }
  } catch (const SqliteFailure& failure) {
    return failure.to_error();
  } catch (const NoSuchSession&) {
    return permanent("the session or user does not exist");
  }
}

// Connections for reading, one caller each at a time.
class Readers {
 public:
  explicit Readers(const SqliteOptions& options) {
    for (std::size_t i = 0; i < kReaders; ++i) {
      idle_.push_back(
          std::make_unique<Connection>(options.path, options.busy_timeout, options.page_cache_bytes));
    }
  }

  template <class Work>
  auto with(Work work) -> decltype(work(std::declval<Connection&>())) {
    auto connection = take();
    struct Return {
      Readers& readers;
      std::unique_ptr<Connection>& connection;
      ~Return() { readers.give_back(std::move(connection)); }
    } give_back{*this, connection};
    return work(*connection);
  }

 private:
  std::unique_ptr<Connection> take() {
    std::unique_lock lock(mutex_);
    returned_.wait(lock, [this] { return !idle_.empty(); });
    auto connection = std::move(idle_.back());
    idle_.pop_back();
    return connection;
  }
  void give_back(std::unique_ptr<Connection> connection) {
    {
      const std::lock_guard lock(mutex_);
      idle_.push_back(std::move(connection));
    }
    returned_.notify_one();
  }

  std::mutex mutex_;
  std::condition_variable returned_;
  std::vector<std::unique_ptr<Connection>> idle_;
};

// On a file beside the database: closing any descriptor of the database itself would free SQLite's own locks.
class ProcessLock {
 public:
  explicit ProcessLock(const std::filesystem::path& database) {
    const auto path = database.string() + "-lock";
    descriptor_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (descriptor_ < 0) fail(path, errno);
    // As SQLite does with its own: what root runs must not shut the database's owner out.
    struct stat owner {};
    if (::geteuid() == 0 && ::stat(database.parent_path().c_str(), &owner) == 0)
      (void)::fchown(descriptor_, owner.st_uid, owner.st_gid);
    if (::flock(descriptor_, LOCK_EX | LOCK_NB) == 0) return;
    const int problem = errno;
    ::close(descriptor_);
    if (problem == EWOULDBLOCK) throw SqliteFailure(SQLITE_CANTOPEN, "in use by another process");
    fail(path, problem);
  }
  ProcessLock(const ProcessLock&) = delete;
  ProcessLock& operator=(const ProcessLock&) = delete;
  ~ProcessLock() { ::close(descriptor_); }

 private:
  [[noreturn]] static void fail(const std::string& path, int problem) {
    throw SqliteFailure(SQLITE_CANTOPEN, "its lock " + path + ": " + std::strerror(problem));
  }

  int descriptor_ = -1;
};

class SqliteStore final : public MemoryStore {
 public:
  SqliteStore(const SqliteOptions& options, const text::Embedder& embedder)
      : path_(options.path),
        lock_(options.shared ? nullptr : std::make_unique<ProcessLock>(options.path)),
        writer_(options.path, options.busy_timeout, options.page_cache_bytes),
        item_cache_(options.max_cached_bytes) {
    if (options.shared) {
      check_schema(writer_);
    } else {
      prepare_schema(writer_);
      Transaction transaction(writer_, Transaction::Kind::write);
      rebuild_index_if_outdated(writer_, embedder, options.chunking);
      retry_given_up(writer_);
      transaction.commit();
    }
    readers_ = std::make_unique<Readers>(options);
  }

  std::vector<Result<void>> write(std::span<const SessionBatch> batches) override {
    Group mine{batches, {}, false};
    std::unique_lock lock(groups_mutex_);
    groups_.push_back(&mine);
    led_.wait(lock, [&] { return mine.done || !leading_; });
    if (mine.done) return std::move(mine.answers);
    leading_ = true;
    const auto together = std::exchange(groups_, {});
    lock.unlock();
    write_together(together);
    lock.lock();
    leading_ = false;
    for (auto* group : together) group->done = true;
    led_.notify_all();
    return std::move(mine.answers);
  }

  Result<ImportAnswer> import_messages(const std::function<std::vector<ImportedMessage>()>& next,
                                       Timestamp now, Lsn lsn) override {
    return change([&](Connection& c) { return import_named(c, next, now, lsn); });
  }
  Result<Scanned> scan_messages(const MessageScan& scan) override {
    auto page = read([&](Connection& c) { return scan_named(c, scan); });
    if (!page) return page.error();
    if (!*page) return permanent("there is no user with the name " + *scan.user);
    return std::move(**page);
  }

  Result<std::string> id() override {
    return read([](Connection& c) {
      auto query = c.prepare("SELECT value FROM meta WHERE key = 'store_id'");
      return query.step() ? std::string(query.text(0)) : std::string();
    });
  }
  Result<Lsn> last_lsn() override {
    return read([](Connection& c) { return read_last_lsn(c); });
  }

  Result<Outcome> create_user(const User& user) override {
    return change([&](Connection& c) { return insert_named(c, NamedTable::users, user); });
  }
  Result<std::optional<User>> user(std::string_view id) override {
    return read([&](Connection& c) { return find_named(c, NamedTable::users, id); });
  }
  Result<std::optional<User>> user_by_name(std::string_view name) override {
    return read([&](Connection& c) { return find_named_by_name(c, NamedTable::users, name); });
  }
  Result<std::vector<User>> users() override {
    return read([](Connection& c) { return list_named(c, NamedTable::users); });
  }
  Result<Outcome> update_user(const User& user) override {
    return change([&](Connection& c) { return update_named(c, NamedTable::users, user); });
  }
  Result<Outcome> erase_user(std::string_view id) override {
    return change([&](Connection& c) { return delete_user(c, id); });
  }

  Result<Outcome> create_agent(const Agent& agent) override {
    return change([&](Connection& c) { return insert_named(c, NamedTable::agents, agent); });
  }
  Result<std::optional<Agent>> agent(std::string_view id) override {
    return read([&](Connection& c) { return find_named(c, NamedTable::agents, id); });
  }
  Result<std::optional<Agent>> agent_by_name(std::string_view name) override {
    return read([&](Connection& c) { return find_named_by_name(c, NamedTable::agents, name); });
  }
  Result<std::vector<Agent>> agents() override {
    return read([](Connection& c) { return list_named(c, NamedTable::agents); });
  }
  Result<Outcome> update_agent(const Agent& agent) override {
    return change([&](Connection& c) { return update_named(c, NamedTable::agents, agent); });
  }
  Result<Outcome> erase_agent(std::string_view id) override {
    return change([&](Connection& c) { return delete_agent(c, id); });
  }

  Result<Outcome> create_session(const Session& session) override {
    return change([&](Connection& c) { return insert_session(c, session); });
  }
  Result<std::optional<SessionEntry>> session(std::string_view id) override {
    return read([&](Connection& c) { return find_session(c, id); });
  }
  Result<std::vector<Session>> sessions(const SessionFilter& filter) override {
    return read([&](Connection& c) { return list_sessions(c, filter); });
  }
  Result<Outcome> rename_session(std::string_view id, std::string_view name, Timestamp updated_at) override {
    return change([&](Connection& c) { return set_session_name(c, id, name, updated_at); });
  }
  Result<Outcome> erase_session(std::string_view id) override {
    return change([&](Connection& c) { return delete_session(c, id); });
  }

  Result<std::vector<Message>> messages(const MessageListing& listing) override {
    return read([&](Connection& c) { return list_session_messages(c, listing); });
  }
  Result<std::vector<Message>> find_messages(std::string_view user_id,
                                             std::span<const std::string> ids) override {
    return read([&](Connection& c) { return find_user_messages(c, user_id, ids); });
  }

  Result<void> add_knowledge(std::span<const Knowledge> items,
                             std::span<const text::Features> features) override {
    return change([&](Connection& c) {
      for (std::size_t i = 0; i < items.size(); ++i) insert_knowledge(c, items[i], features[i]);
    });
  }
  Result<std::vector<Knowledge>> knowledge(std::string_view user_id) override {
    return read([&](Connection& c) { return list_user_knowledge(c, user_id); });
  }
  Result<std::vector<Knowledge>> find_knowledge(std::string_view user_id,
                                                std::span<const std::string> ids) override {
    return read([&](Connection& c) { return find_user_knowledge(c, user_id, ids); });
  }
  Result<void> update_knowledge(const Knowledge& item, const text::Features& features) override {
    return change([&](Connection& c) { update_knowledge_item(c, item, features); });
  }
  Result<void> erase_knowledge(std::string_view user_id, std::span<const std::string> ids) override {
    return change([&](Connection& c) {
      const auto user_no = find_user_no(c, user_id);
      for (std::size_t i = 0; user_no && i < ids.size(); ++i)
        erase_item(c, *user_no, kKnowledgeKind, ids[i], 0);
    });
  }

  Result<StoreAnswer> search(const StoreQuery& query) override {
    return read([&](Connection& c) { return search_items(c, item_cache_, query); });
  }

  Result<void> warm_up() override {
    return read([&](Connection& c) { item_cache_.warm_up(c); });
  }

  Result<PendingVectors> pending_vectors(std::size_t limit, std::size_t max_bytes) override {
    return read([&](Connection& c) { return list_pending(c, limit, max_bytes); });
  }
  Result<void> set_vectors(std::span<const LateVector> vectors) override {
    return change([&](Connection& c) { fill_in_vectors(c, vectors); });
  }
  Result<void> give_up_vectors(std::span<const std::int64_t> marks) override {
    return change([&](Connection& c) { give_up(c, marks); });
  }

  Result<StoreCounts> counts() override {
    auto counts = read([](Connection& c) {
      c.check_in_place();
      auto row = c.prepare(
          "SELECT (SELECT count(*) FROM users), (SELECT count(*) FROM agents), (SELECT count(*) FROM "
          "sessions),"
          "(SELECT ifnull(sum(documents), 0) FROM users),"
          "(SELECT count(*) FROM items WHERE session_no IS NULL)");
      row.step();
      const auto number = [&](int column) { return static_cast<std::uint64_t>(row.integer(column)); };
      return StoreCounts{number(0), number(1), number(2), number(3) - number(4), number(4), 0};
    });
    if (!counts) return counts;
    for (const auto* suffix : {"", "-wal"}) {
      std::error_code absent;
      const auto size = std::filesystem::file_size(path_.string() + suffix, absent);
      if (!absent) counts->bytes += size;
    }
    return counts;
  }

  std::size_t cached_bytes() const override { return item_cache_.bytes(); }
  std::size_t limit_cache(double share) override { return item_cache_.limit_to(share); }

 private:
  // The batches of one caller of write().
  struct Group {
    std::span<const SessionBatch> batches;
    std::vector<Result<void>> answers;
    bool done = false;
  };

  template <class Work>
  auto read(Work work) -> Result<decltype(work(std::declval<Connection&>()))> {
    return guarded([&] { return readers_->with(work); });
  }

  // Where SQLite keeps what a savepoint or statement may have to bring back, page by page. A file takes three
  // writes for each of the log's; memory is for what is bounded (SQLITE_CONFIG_STMTJRNL_SPILL bounds it for
  // all, but fails from 128 KiB on: "database or disk is full").
  enum class Undo { in_memory, in_file };

  template <class Work>
  auto change(Work work, Undo undo = Undo::in_file) -> Result<decltype(work(std::declval<Connection&>()))> {
    return guarded([&] {
      const std::lock_guard lock(writer_mutex_);
      writer_.execute(undo == Undo::in_memory ? "PRAGMA temp_store = MEMORY" : "PRAGMA temp_store = DEFAULT");
      Transaction transaction(writer_, Transaction::Kind::write);
      if constexpr (std::is_void_v<decltype(work(writer_))>) {
        work(writer_);
        transaction.commit();
      } else {
        auto out = work(writer_);
        transaction.commit();
        return out;
      }
    });
  }

  // One transaction for all; each batch in a savepoint, so that a refused one takes nothing else along.
  void write_together(const std::vector<Group*>& groups) {
    const auto write_all = [&](Connection& connection) {
      Lsn last_lsn = 0;
      for (auto* group : groups) {
        group->answers.clear();
        for (const auto& batch : group->batches) {
          group->answers.push_back(write_one(connection, batch));
          for (const auto& operation : batch.operations) {
            last_lsn = std::max(last_lsn, std::visit([](const auto& o) { return o.lsn; }, operation));
          }
        }
      }
      raise_last_lsn(connection, last_lsn);
    };
    const auto committed = change(write_all, Undo::in_memory);
    if (committed) return;
    for (auto* group : groups) group->answers.assign(group->batches.size(), committed.error());
  }

  static Result<void> write_one(Connection& connection, const SessionBatch& batch) {
    connection.execute("SAVEPOINT batch");
    Result<void> answer;
    try {
      apply_batch(connection, batch);
    } catch (const NoSuchSession&) {
      answer = permanent("session " + batch.session_id + " does not exist");
    } catch (const SqliteFailure& failure) {
      if (failure.to_error().kind != ErrorKind::permanent) throw;
      answer = failure.to_error();
    }
    if (!answer) connection.execute("ROLLBACK TO batch");
    connection.execute("RELEASE batch");
    return answer;
  }

  const std::filesystem::path path_;
  const std::unique_ptr<ProcessLock> lock_;  // null: shared
  std::mutex writer_mutex_;
  Connection writer_;  // guarded by writer_mutex_ after construction
  std::unique_ptr<Readers> readers_;
  ItemCache item_cache_;  // thread-safe

  // Guarded by groups_mutex_
  std::mutex groups_mutex_;
  std::condition_variable led_;
  std::vector<Group*> groups_;
  bool leading_ = false;
};

Result<void> make_folder(const std::filesystem::path& folder) {
  std::filesystem::path made;
  for (const auto& part : folder) {
    made /= part;
    if (made.empty() || ::mkdir(made.c_str(), 0700) == 0 || errno == EEXIST) continue;
    return permanent("cannot create " + made.string() + ": " + std::strerror(errno));
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<MemoryStore>> open_sqlite_store(const SqliteOptions& options,
                                                       const text::Embedder& embedder) {
  if (auto made = make_folder(options.path.parent_path()); !made) return made.error();
  // SQLite gives its side files the mode of the database: only the owner may read messages.
  const auto previous = ::umask(0077);
  auto store =
      guarded([&] { return std::unique_ptr<MemoryStore>(std::make_unique<SqliteStore>(options, embedder)); });
  ::umask(previous);
  if (!store) return permanent("store " + options.path.string() + ": " + store.error().message);
  return store;
}

}  // namespace holdfast::store
