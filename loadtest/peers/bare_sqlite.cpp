// The least that storing messages in SQLite can cost: rows of text into a table and its FTS5 index, a
// thousand a transaction, each commit durable (WAL, synchronous=FULL). PARTS adds what the daemon's store
// (src/store/sqlite/schema.cpp) writes besides, in its shapes: what SQLite leaves of the rate to us.
//   bare_sqlite DIRECTORY SECONDS TEXTS [PARTS]
// prints rows/s. TEXTS: a file, a line a row, over and over. PARTS: the first so many of a message's columns,
// the indexes by time and place, each user's own terms, vectors, totals.
#include <sqlite3.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr int kRowsATransaction = 1000, kUsers = 10, kSessions = 100, kRowsABatch = 100, kVectorBytes = 612;

void require(sqlite3* database, bool good) {
  if (good) return;
  std::fprintf(stderr, "bare_sqlite: %s\n", sqlite3_errmsg(database));
  std::exit(1);
}

void execute(sqlite3* database, const char* sql) {
  require(database, sqlite3_exec(database, sql, nullptr, nullptr, nullptr) == SQLITE_OK);
}

sqlite3_stmt* prepare(sqlite3* database, const char* sql) {
  sqlite3_stmt* statement = nullptr;
  sqlite3_prepare_v2(database, sql, -1, &statement, nullptr);
  require(database, statement != nullptr);
  return statement;
}

void bind(sqlite3_stmt* statement, int parameter, const std::string& text) {
  sqlite3_bind_text64(statement, parameter, text.data(), text.size(), SQLITE_STATIC, SQLITE_UTF8);
}

void run(sqlite3* database, sqlite3_stmt* statement) {
  require(database, sqlite3_step(statement) == SQLITE_DONE);
  sqlite3_reset(statement);
}

// "7_we 7_talked": a posting list of each user's own.
std::string with_prefix(const std::string& text, int user) {
  const auto prefix = std::to_string(user) + '_';
  std::string terms = prefix;
  for (const char c : text) {
    terms += c;
    if (c == ' ') terms += prefix;
  }
  return terms;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) {
    std::fprintf(stderr, "usage: bare_sqlite DIRECTORY SECONDS TEXTS [PARTS]\n");
    return 2;
  }
  const auto path = std::filesystem::path(argv[1]) / "bare_sqlite.db";
  const auto length = std::chrono::duration<double>(std::atof(argv[2]));
  const int parts = argc > 4 ? std::atoi(argv[4]) : 0;
  const bool columns = parts > 0, indexes = parts > 1, own_terms = parts > 2, vectors = parts > 3,
             totals = parts > 4;
  std::vector<std::string> texts;
  std::ifstream lines(argv[3]);
  for (std::string line; std::getline(lines, line);) texts.push_back(line);
  if (texts.empty()) {
    std::fprintf(stderr, "bare_sqlite: %s has no lines\n", argv[3]);
    return 2;
  }
  sqlite3* database = nullptr;
  require(database, sqlite3_open(path.c_str(), &database) == SQLITE_OK);
  execute(database,
          "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
          "CREATE TABLE users (no INTEGER PRIMARY KEY, documents INTEGER, total_length INTEGER)");
  if (columns) execute(database, "PRAGMA foreign_keys=ON");
  for (int i = 0; i < kUsers; ++i)
    execute(database, "INSERT INTO users (documents, total_length) VALUES (0, 0)");
  execute(database,
          columns
              ? "CREATE TABLE items (no INTEGER PRIMARY KEY AUTOINCREMENT, kind INTEGER NOT NULL, id TEXT "
                "NOT NULL,"
                "user_no INTEGER NOT NULL REFERENCES users (no), session_no INTEGER, role INTEGER NOT NULL,"
                "content TEXT NOT NULL, metadata TEXT NOT NULL, created_at INTEGER NOT NULL,"
                "updated_at INTEGER NOT NULL, seq INTEGER NOT NULL, lsn INTEGER NOT NULL,"
                "UNIQUE (user_no, kind, id)) STRICT"
              : "CREATE TABLE items (no INTEGER PRIMARY KEY, id TEXT UNIQUE, session_no INTEGER, role TEXT,"
                "content TEXT, created_at INTEGER)");
  if (indexes) {
    execute(database,
            "CREATE INDEX by_session ON items (session_no, created_at, seq);"
            "CREATE INDEX by_place ON items (session_no, seq)");
  }
  execute(database, own_terms ? "CREATE VIRTUAL TABLE terms USING fts5 (text, content = '', columnsize = 0,"
                                "tokenize = \"ascii tokenchars '_'\")"
                              : "CREATE VIRTUAL TABLE terms USING fts5 (text, content = '', columnsize = 0)");
  execute(database,
          "CREATE TABLE vectors (user_no INTEGER NOT NULL, no INTEGER NOT NULL, kind INTEGER NOT NULL,"
          "session_no INTEGER, seq INTEGER NOT NULL, length INTEGER NOT NULL, vector BLOB NOT NULL,"
          "PRIMARY KEY (user_no, no)) STRICT, WITHOUT ROWID");
  auto* item = prepare(
      database, columns ? "INSERT INTO items (no, id, session_no, content, created_at, seq, user_no, kind,"
                          "role, metadata, updated_at, lsn)"
                          "VALUES (?1, ?2, ?3, ?4, ?5, ?1, ?6, 0, 0, '', ?5, ?1) ON CONFLICT DO NOTHING"
                        : "INSERT INTO items VALUES (?1, ?2, ?3, 'user', ?4, ?1)");
  auto* term = prepare(database, "INSERT INTO terms (rowid, text) VALUES (?1, ?2)");
  auto* vector = prepare(database, "INSERT INTO vectors VALUES (?1, ?2, 0, ?3, ?2, 50, ?4)");
  auto* total = prepare(
      database, "UPDATE users SET documents = documents + 1, total_length = total_length + 50 WHERE no = ?1");
  const std::string components(kVectorBytes, 'v');
  sqlite3_int64 row = 0;
  const auto began = SteadyClock::now();
  while (SteadyClock::now() - began < length) {
    execute(database, "BEGIN IMMEDIATE");
    for (int i = 0; i < kRowsATransaction; ++i) {
      const auto& text = texts[static_cast<std::size_t>(++row) % texts.size()];
      const auto id = "00000000-0000-0000-0000-" + std::to_string(100000000000 + row);
      const int session = static_cast<int>(row / kRowsABatch % kSessions) + 1, user = session % kUsers + 1;
      sqlite3_bind_int64(item, 1, row);
      bind(item, 2, id);
      sqlite3_bind_int64(item, 3, session);
      bind(item, 4, text);
      if (columns) {
        sqlite3_bind_int64(item, 5, 1'800'000'000'000'000 + row);
        sqlite3_bind_int64(item, 6, user);
      }
      run(database, item);
      const auto terms = own_terms ? with_prefix(text, user) : text;
      sqlite3_bind_int64(term, 1, row);
      bind(term, 2, terms);
      run(database, term);
      if (vectors) {
        sqlite3_bind_int64(vector, 1, user);
        sqlite3_bind_int64(vector, 2, row);
        sqlite3_bind_int64(vector, 3, session);
        sqlite3_bind_blob(vector, 4, components.data(), kVectorBytes, SQLITE_STATIC);
        run(database, vector);
      }
      if (totals) {
        sqlite3_bind_int64(total, 1, user);
        run(database, total);
      }
    }
    execute(database, "COMMIT");
  }
  const double seconds = std::chrono::duration<double>(SteadyClock::now() - began).count();
  std::printf("%.0f\n", static_cast<double>(row) / seconds);
  for (auto* statement : {item, term, vector, total}) sqlite3_finalize(statement);
  sqlite3_close(database);
}
