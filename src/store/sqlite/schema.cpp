#include "schema.hpp"

#include "holdfast/base/clock.hpp"
#include "holdfast/base/ids.hpp"

namespace holdfast::store {
namespace {

constexpr std::int64_t kSchemaVersion = 5;

// Times are microseconds since 1970, UTC.
// - items: messages and knowledge. (user_no, kind, id) is unique: that is what makes a repeated insert
//   harmless.
// - terms: the index terms of every item (text/features.hpp), each with "<user_no>_" in front, so that the
//   posting list of a term is one user's. It keeps no content: rows go by giving the same terms to 'delete'.
// - instances: (term, doc) of every occurrence in terms: document and term frequencies without reading text.
// - vectors: what else a search needs of an item, in one place a user: a range scan reads just that. vector
//   is Features::vectors, the vectors of all its chunks. users.index_changes: see item_cache.hpp.
constexpr const char* kTables = R"sql(
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE users (
  no INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, name TEXT NOT NULL UNIQUE,
  description TEXT NOT NULL, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL,
  documents INTEGER NOT NULL DEFAULT 0, total_length INTEGER NOT NULL DEFAULT 0,
  index_changes INTEGER NOT NULL DEFAULT 0) STRICT;
CREATE TABLE agents (
  no INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, name TEXT NOT NULL UNIQUE,
  description TEXT NOT NULL, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL) STRICT;
CREATE TABLE sessions (
  no INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, user_no INTEGER NOT NULL REFERENCES users (no),
  agent_id TEXT NOT NULL, name TEXT NOT NULL, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL,
  last_seq INTEGER NOT NULL DEFAULT 0, UNIQUE (user_no, name)) STRICT;
CREATE TABLE items (
  no INTEGER PRIMARY KEY AUTOINCREMENT, kind INTEGER NOT NULL, id TEXT NOT NULL,
  user_no INTEGER NOT NULL REFERENCES users (no), session_no INTEGER REFERENCES sessions (no),
  role INTEGER NOT NULL, content TEXT NOT NULL, metadata TEXT NOT NULL, created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL, seq INTEGER NOT NULL, lsn INTEGER NOT NULL, UNIQUE (user_no, kind, id)) STRICT;
CREATE INDEX items_by_session ON items (session_no, created_at, seq) WHERE session_no IS NOT NULL;
CREATE INDEX knowledge ON items (user_no) WHERE session_no IS NULL;
CREATE VIRTUAL TABLE terms USING fts5 (text, content = '', columnsize = 0, tokenize = "ascii tokenchars '_'");
CREATE VIRTUAL TABLE instances USING fts5vocab ('terms', 'instance');
CREATE TABLE vectors (
  user_no INTEGER NOT NULL, no INTEGER NOT NULL, kind INTEGER NOT NULL, session_no INTEGER,
  seq INTEGER NOT NULL, length INTEGER NOT NULL, vector BLOB NOT NULL, PRIMARY KEY (user_no, no)) STRICT, WITHOUT ROWID;
)sql";

// From version 1, which told nobody of changes in the index.
constexpr const char* kFromVersion1 =
    "ALTER TABLE users ADD COLUMN index_changes INTEGER NOT NULL DEFAULT 0;";

// From version 2, whose vectors did not tell where in its session a message stands.
constexpr const char* kFromVersion2 =
    "ALTER TABLE vectors ADD COLUMN seq INTEGER NOT NULL DEFAULT 0;"
    "UPDATE vectors SET seq = (SELECT i.seq FROM items i WHERE i.no = vectors.no);"
    "CREATE INDEX IF NOT EXISTS knowledge ON items (user_no) WHERE session_no IS NULL;";

// Since version 4. Items whose vector is still to come; a mark is never used again, so it names one content
// of one item. given_up: no vector can be made of it (asked again after the next start).
constexpr const char* kPendingVectors = R"sql(
CREATE TABLE pending_vectors (
  mark INTEGER PRIMARY KEY AUTOINCREMENT, no INTEGER NOT NULL UNIQUE, given_up INTEGER NOT NULL DEFAULT 0) STRICT;
)sql";

// Since version 5: the messages before one are looked up by their places.
constexpr const char* kPlaces =
    "CREATE INDEX items_by_place ON items (session_no, seq) WHERE session_no IS NOT NULL;";

std::int64_t schema_version(Connection& connection) {
  auto query = connection.prepare("PRAGMA user_version");
  return query.step() ? query.integer(0) : 0;
}
}  // namespace

void check_schema(Connection& connection) {
  if (schema_version(connection) != kSchemaVersion)
    throw SqliteFailure(SQLITE_CANTOPEN, "the database is of another version of holdfast");
}

void prepare_schema(Connection& connection) {
  Transaction transaction(connection, Transaction::Kind::write);
  const auto version = schema_version(connection);
  if (version > kSchemaVersion) {
    throw SqliteFailure(SQLITE_CANTOPEN, "the database was made by a later version of holdfast");
  }
  if (version < kSchemaVersion) {
    if (version == 0) connection.execute(kTables);
    if (version == 1) connection.execute(kFromVersion1);
    if (version == 1 || version == 2) connection.execute(kFromVersion2);
    if (version < 4) connection.execute(kPendingVectors);
    connection.execute(kPlaces);
    connection.execute("PRAGMA user_version = " + std::to_string(kSchemaVersion));
  }
  connection.prepare("INSERT OR IGNORE INTO meta (key, value) VALUES ('store_id', ?)")
      .bind(make_uuid_v7(system_clock().now()))
      .run();
  transaction.commit();
}

}  // namespace holdfast::store
