#include "item_index.hpp"

#include "holdfast/base/log.hpp"
#include "pending_vectors.hpp"

namespace holdfast::store {
namespace {

void change_totals(Connection& connection, std::int64_t user_no, std::int64_t documents,
                   std::int64_t length) {
  connection
      .prepare("UPDATE users SET documents = documents + ?, total_length = total_length + ? WHERE no = ?")
      .bind(documents)
      .bind(length)
      .bind(user_no)
      .run();
}

std::string index_version(const text::Embedder& embedder, text::ChunkOptions chunking) {
  return std::to_string(text::kAnalyzerVersion) + " " + std::string(embedder.fingerprint()) + " chunks of " +
         std::to_string(embedder.max_bytes()) + " overlapping " + std::to_string(chunking.overlap);
}

}  // namespace

std::string user_term(std::int64_t user_no, std::string_view term) {
  return std::to_string(user_no).append("_").append(term);
}

std::string user_terms(std::int64_t user_no, const text::Terms& terms) {
  const auto prefix = user_term(user_no, {});
  std::string joined;
  joined.reserve(terms.joined().size() + terms.size() * prefix.size());
  for (const auto term : terms) {
    if (!joined.empty()) joined += ' ';
    joined += prefix;
    joined += term;
  }
  return joined;
}

void add_to_index(Connection& connection, const ItemKey& key, const text::Features& features) {
  const auto length = static_cast<std::int64_t>(features.terms.size());
  const auto terms = user_terms(key.user_no, features.terms);
  connection.prepare("INSERT INTO terms (rowid, text) VALUES (?, ?)").bind(key.no).bind(terms).run();
  connection
      .prepare(
          "INSERT INTO vectors (user_no, no, kind, session_no, seq, length, vector) VALUES (?, ?, ?, ?, ?, "
          "?, "
          "?)")
      .bind(key.user_no)
      .bind(key.no)
      .bind(key.kind)
      .bind(key.session_no)
      .bind(key.seq)
      .bind(length)
      .bind_blob(features.vectors)
      .run();
  if (features.vector_pending) mark_pending(connection, key.no);
  change_totals(connection, key.user_no, 1, length);
}

void remove_from_index(Connection& connection, const ItemKey& key, std::string_view content) {
  const auto analyzed = text::analyze(content);
  const auto terms = user_terms(key.user_no, analyzed);
  connection.prepare("INSERT INTO terms (terms, rowid, text) VALUES ('delete', ?, ?)")
      .bind(key.no)
      .bind(terms)
      .run();
  connection.prepare("DELETE FROM vectors WHERE user_no = ? AND no = ?").bind(key.user_no).bind(key.no).run();
  unmark_pending(connection, key.no);
  change_totals(connection, key.user_no, -1, -static_cast<std::int64_t>(analyzed.size()));
  connection.prepare("UPDATE users SET index_changes = index_changes + 1 WHERE no = ?")
      .bind(key.user_no)
      .run();
}

void rebuild_index_if_outdated(Connection& connection, const text::Embedder& embedder,
                               text::ChunkOptions chunking) {
  const auto version = index_version(embedder, chunking);
  {
    auto known = connection.prepare("SELECT value FROM meta WHERE key = 'index_version'");
    if (known.step() && known.text(0) == version) return;
  }
  connection.execute(
      "INSERT INTO terms (terms) VALUES ('delete-all'); DELETE FROM vectors;"
      "DELETE FROM pending_vectors;"
      "UPDATE users SET documents = 0, total_length = 0, index_changes = index_changes + 1;");
  std::uint64_t items = 0;
  auto item = connection.prepare("SELECT no, user_no, kind, session_no, content, seq FROM items");
  for (; item.step(); ++items) {
    ItemKey key{item.integer(1), item.integer(0), item.integer(2), std::nullopt, item.integer(5)};
    if (!item.is_null(3)) key.session_no = item.integer(3);
    add_to_index(connection, key, text::extract_features(item.text(4), embedder, chunking));
  }
  connection.prepare("INSERT OR REPLACE INTO meta (key, value) VALUES ('index_version', ?)")
      .bind(version)
      .run();
  if (items > 0) log::info("store: the search index of {} items was made anew", items);
}

}  // namespace holdfast::store
