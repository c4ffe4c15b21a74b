// The least that storing messages in SQLite can cost: rows of text into a table and its FTS5 index, a
// thousand a transaction, each commit durable (WAL, synchronous=FULL).
//   bare_sqlite DIRECTORY SECONDS TEXTS   prints rows/s; TEXTS: a file, a line a row, over and over
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

constexpr int kRowsATransaction = 1000;

void require(sqlite3* database, bool good) {
  if (good) return;
  std::fprintf(stderr, "bare_sqlite: %s\n", sqlite3_errmsg(database));
  std::exit(1);
}

void execute(sqlite3* database, const char* sql) {
  require(database, sqlite3_exec(database, sql, nullptr, nullptr, nullptr) == SQLITE_OK);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: bare_sqlite DIRECTORY SECONDS TEXTS\n");
    return 2;
  }
  const auto path = std::filesystem::path(argv[1]) / "bare_sqlite.db";
  const auto length = std::chrono::duration<double>(std::atof(argv[2]));
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
          "CREATE TABLE items (no INTEGER PRIMARY KEY, id TEXT UNIQUE, session INTEGER, role TEXT, content "
          "TEXT, at INTEGER);"
          "CREATE VIRTUAL TABLE terms USING fts5 (text, content = '', columnsize = 0)");
  sqlite3_stmt *item = nullptr, *term = nullptr;
  sqlite3_prepare_v2(database, "INSERT INTO items VALUES (?1, ?2, ?3, 'user', ?4, ?1)", -1, &item, nullptr);
  sqlite3_prepare_v2(database, "INSERT INTO terms (rowid, text) VALUES (?1, ?2)", -1, &term, nullptr);
  require(database, item && term);
  sqlite3_int64 row = 0;
  const auto began = SteadyClock::now();
  while (SteadyClock::now() - began < length) {
    execute(database, "BEGIN IMMEDIATE");
    for (int i = 0; i < kRowsATransaction; ++i) {
      const auto& text = texts[static_cast<std::size_t>(++row) % texts.size()];
      const auto id = "00000000-0000-0000-0000-" + std::to_string(100000000000 + row);
      sqlite3_bind_int64(item, 1, row);
      sqlite3_bind_text(item, 2, id.c_str(), -1, SQLITE_STATIC);
      sqlite3_bind_int64(item, 3, row % 100);
      sqlite3_bind_text(item, 4, text.c_str(), -1, SQLITE_STATIC);
      require(database, sqlite3_step(item) == SQLITE_DONE);
      sqlite3_reset(item);
      sqlite3_bind_int64(term, 1, row);
      sqlite3_bind_text(term, 2, text.c_str(), -1, SQLITE_STATIC);
      require(database, sqlite3_step(term) == SQLITE_DONE);
      sqlite3_reset(term);
    }
    execute(database, "COMMIT");
  }
  const double seconds = std::chrono::duration<double>(SteadyClock::now() - began).count();
  std::printf("%.0f\n", static_cast<double>(row) / seconds);
  sqlite3_finalize(item);
  sqlite3_finalize(term);
  sqlite3_close(database);
}
