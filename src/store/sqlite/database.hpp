// A thin layer over SQLite's C interface: a connection with its prepared statements, and a statement in use.
//
// Inside the SQLite store a failed call throws SqliteFailure, because nearly every line is such a call; it is
// caught at the MemoryStore's interface (guarded() in sqlite_store.cpp), which returns values.
#pragma once

#include <sqlite3.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "holdfast/base/clock.hpp"
#include "holdfast/base/result.hpp"

namespace holdfast::store {

class SqliteFailure : public std::runtime_error {
 public:
  SqliteFailure(int code, const std::string& message) : std::runtime_error(message), code_(code) {}
  bool is_unique_violation() const {
    return code_ == SQLITE_CONSTRAINT_UNIQUE || code_ == SQLITE_CONSTRAINT_PRIMARYKEY;
  }
  Error to_error() const;

 private:
  int code_;  // extended result code
};

// A prepared statement while it is used; reset when it goes.
class Statement {
 public:
  explicit Statement(sqlite3_stmt* statement) : statement_(statement) {}
  Statement(Statement&& other) noexcept : statement_(std::exchange(other.statement_, nullptr)) {}
  Statement& operator=(Statement&&) = delete;
  ~Statement();

  // Binds the next parameter. Text and blobs must live until the statement is reset.
  Statement& bind(std::int64_t value);
  Statement& bind(std::string_view value);
  Statement& bind_blob(std::span<const std::int8_t> value);
  Statement& bind_null();
  Statement& bind(Timestamp value) { return bind(value.time_since_epoch().count()); }
  template <class T>
  Statement& bind(const std::optional<T>& value) {
    return value ? bind(*value) : bind_null();
  }

  bool step();  // true: a row
  void run() {
    while (step()) {
    }
  }

  std::int64_t integer(int column) const { return sqlite3_column_int64(statement_, column); }
  std::string_view text(int column) const;
  std::span<const std::int8_t> blob(int column) const;
  Timestamp time(int column) const { return Timestamp{std::chrono::microseconds{integer(column)}}; }
  bool is_null(int column) const { return sqlite3_column_type(statement_, column) == SQLITE_NULL; }

 private:
  sqlite3_stmt* statement_;
  int next_parameter_ = 1;
};

// One thread at a time.
class Connection {
 public:
  Connection(const std::filesystem::path& path, std::chrono::milliseconds busy_timeout,
             std::size_t page_cache_bytes);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection();

  // Prepared once for each text, which must be a literal.
  Statement prepare(std::string_view sql);
  void execute(const std::string& sql);  // any number of statements, no parameters
  // Throws where the path leads to another file by now, or to none: what is written would be lost with ours.
  void check_in_place();
  std::int64_t last_insert_rowid() const { return sqlite3_last_insert_rowid(handle_); }
  std::int64_t changes() const { return sqlite3_changes64(handle_); }

 private:
  sqlite3* handle_ = nullptr;
  std::unordered_map<const char*, sqlite3_stmt*> prepared_;  // by address of the literal
};

// BEGIN … COMMIT; rolled back unless committed. To write, the file must be in place.
class Transaction {
 public:
  enum class Kind { read, write };
  Transaction(Connection& connection, Kind kind);
  ~Transaction();
  void commit();

 private:
  Connection& connection_;
  bool open_ = true;
};

}  // namespace holdfast::store
