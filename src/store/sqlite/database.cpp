#include "database.hpp"

#include <utility>

#include "holdfast/base/scheduling.hpp"

namespace holdfast::store {
namespace {

[[noreturn]] void fail(sqlite3* handle, const char* doing) {
  throw SqliteFailure(sqlite3_extended_errcode(handle),
                      std::string("SQLite: ") + doing + ": " + sqlite3_errmsg(handle));
}

}  // namespace

Error SqliteFailure::to_error() const {
  switch (code_ & 0xFF) {
    case SQLITE_CONSTRAINT:
    case SQLITE_MISMATCH:
    case SQLITE_TOOBIG:
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return permanent(what());
    default:
      return retryable(what());
  }
}

Statement::~Statement() {
  if (!statement_) return;
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
}

Statement& Statement::bind(std::int64_t value) {
  if (sqlite3_bind_int64(statement_, next_parameter_++, value) != SQLITE_OK)
    fail(sqlite3_db_handle(statement_), "bind");
  return *this;
}

Statement& Statement::bind(std::string_view value) {
  // A null pointer would bind NULL.
  const char* data = value.data() ? value.data() : "";
  const int done =
      sqlite3_bind_text64(statement_, next_parameter_++, data, value.size(), SQLITE_STATIC, SQLITE_UTF8);
  if (done != SQLITE_OK) fail(sqlite3_db_handle(statement_), "bind");
  return *this;
}

Statement& Statement::bind_blob(std::span<const std::int8_t> value) {
  const int done = value.empty() ? sqlite3_bind_zeroblob(statement_, next_parameter_++, 0)
                                 : sqlite3_bind_blob64(statement_, next_parameter_++, value.data(),
                                                       value.size(), SQLITE_STATIC);
  if (done != SQLITE_OK) fail(sqlite3_db_handle(statement_), "bind");
  return *this;
}

Statement& Statement::bind_null() {
  if (sqlite3_bind_null(statement_, next_parameter_++) != SQLITE_OK)
    fail(sqlite3_db_handle(statement_), "bind");
  return *this;
}

bool Statement::step() {
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code != SQLITE_DONE) fail(sqlite3_db_handle(statement_), "step");
  return false;
}

std::string_view Statement::text(int column) const {
  const auto* data = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
  return {data ? data : "", static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}

std::span<const std::int8_t> Statement::blob(int column) const {
  const auto* data = static_cast<const std::int8_t*>(sqlite3_column_blob(statement_, column));
  return {data, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}

Connection::Connection(const std::filesystem::path& path, std::chrono::milliseconds busy_timeout,
                       std::size_t page_cache_bytes) {
  constexpr int kFlags =
      SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW;
  if (sqlite3_open_v2(path.c_str(), &handle_, kFlags, nullptr) != SQLITE_OK) {
    const std::string message = path.string() + ": " + (handle_ ? sqlite3_errmsg(handle_) : "out of memory");
    const int code = handle_ ? sqlite3_extended_errcode(handle_) : SQLITE_NOMEM;
    sqlite3_close_v2(handle_);
    throw SqliteFailure(code, message);
  }
  sqlite3_extended_result_codes(handle_, 1);
  sqlite3_busy_timeout(handle_, static_cast<int>(busy_timeout.count()));
  execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;");
  constexpr int kOperations =
      2000;  // 0.55 ms of a flush worker's time on average, up to 17 ms where one does much
  sqlite3_progress_handler(
      handle_, kOperations,
      [](void*) {
        give_way();
        return 0;
      },
      nullptr);
  execute("PRAGMA cache_size = -" + std::to_string(page_cache_bytes / 1024));
}

Connection::~Connection() {
  for (auto& [sql, statement] : prepared_) sqlite3_finalize(statement);
  sqlite3_close_v2(handle_);
}

Statement Connection::prepare(std::string_view sql) {
  auto& statement = prepared_[sql.data()];
  if (!statement && sqlite3_prepare_v3(handle_, sql.data(), static_cast<int>(sql.size()),
                                       SQLITE_PREPARE_PERSISTENT, &statement, nullptr) != SQLITE_OK) {
    prepared_.erase(sql.data());
    fail(handle_, "prepare");
  }
  return Statement(statement);
}

void Connection::execute(const std::string& sql) {
  if (sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) fail(handle_, "execute");
}

void Connection::check_in_place() {
  int moved = 0;
  sqlite3_file_control(handle_, "main", SQLITE_FCNTL_HAS_MOVED, &moved);
  if (moved == 0) return;
  throw SqliteFailure(SQLITE_READONLY_DBMOVED,
                      "SQLite: the database file was moved, replaced or deleted while it is open");
}

Transaction::Transaction(Connection& connection, Kind kind) : connection_(connection) {
  if (kind == Kind::write) connection_.check_in_place();
  connection_.execute(kind == Kind::write ? "BEGIN IMMEDIATE" : "BEGIN");
}

Transaction::~Transaction() {
  if (!open_) return;
  try {
    connection_.execute("ROLLBACK");
  } catch (const SqliteFailure&) {
    // SQLite has rolled back by itself.
  }
}

void Transaction::commit() {
  connection_.execute("COMMIT");
  open_ = false;
}

}  // namespace holdfast::store
