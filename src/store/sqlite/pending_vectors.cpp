#include "pending_vectors.hpp"

namespace holdfast::store {

void mark_pending(Connection& connection, std::int64_t item_no) {
  connection.prepare("INSERT INTO pending_vectors (no) VALUES (?)").bind(item_no).run();
}

void unmark_pending(Connection& connection, std::int64_t item_no) {
  connection.prepare("DELETE FROM pending_vectors WHERE no = ?").bind(item_no).run();
}

void retry_given_up(Connection& connection) {
  connection.execute("UPDATE pending_vectors SET given_up = 0 WHERE given_up = 1");
}

PendingVectors list_pending(Connection& connection, std::size_t limit, std::size_t max_bytes) {
  const Transaction transaction(connection, Transaction::Kind::read);
  PendingVectors pending;
  auto total = connection.prepare("SELECT count(*) FROM pending_vectors WHERE given_up = 0");
  if (total.step()) pending.total = static_cast<std::uint64_t>(total.integer(0));
  auto row = connection.prepare(
      "SELECT p.mark, u.id, i.content FROM pending_vectors p JOIN items i ON i.no = p.no "
      "JOIN users u ON u.no = i.user_no WHERE p.given_up = 0 ORDER BY p.mark LIMIT ?");
  row.bind(static_cast<std::int64_t>(limit));
  std::size_t bytes = 0;
  while (bytes < max_bytes && row.step()) {
    pending.items.push_back({row.integer(0), std::string(row.text(1)), std::string(row.text(2))});
    bytes += pending.items.back().content.size();
  }
  return pending;
}

void fill_in_vectors(Connection& connection, std::span<const LateVector> vectors) {
  for (const auto& late : vectors) {
    connection
        .prepare(
            "UPDATE vectors SET vector = ?1 FROM (SELECT i.user_no, i.no FROM pending_vectors p "
            "JOIN items i ON i.no = p.no WHERE p.mark = ?2) AS item "
            "WHERE vectors.user_no = item.user_no AND vectors.no = item.no")
        .bind_blob(late.vectors)
        .bind(late.mark)
        .run();
    connection
        .prepare(
            "UPDATE users SET index_changes = index_changes + 1 WHERE no = "
            "(SELECT i.user_no FROM pending_vectors p JOIN items i ON i.no = p.no WHERE p.mark = ?)")
        .bind(late.mark)
        .run();
    connection.prepare("DELETE FROM pending_vectors WHERE mark = ?").bind(late.mark).run();
  }
}

void give_up(Connection& connection, std::span<const std::int64_t> marks) {
  for (const auto mark : marks) {
    connection.prepare("UPDATE pending_vectors SET given_up = 1 WHERE mark = ?").bind(mark).run();
  }
}

}  // namespace holdfast::store
