#include "item_writer.hpp"

#include <algorithm>

#include "schema.hpp"

namespace holdfast::store {
namespace {

struct Place {
  std::int64_t user_no = 0;
  std::int64_t session_no = 0;
};

struct Existing {
  ItemKey key;
  std::string content;
  Lsn lsn = 0;
};

std::optional<Existing> find_item(Connection& connection, std::int64_t user_no, std::int64_t kind,
                                  std::string_view id) {
  auto query = connection.prepare(
      "SELECT no, session_no, content, lsn, seq FROM items WHERE user_no = ? AND kind = ? AND id = ?");
  query.bind(user_no).bind(kind).bind(id);
  if (!query.step()) return std::nullopt;
  Existing found;
  found.key = {user_no, query.integer(0), kind, std::nullopt, query.integer(4)};
  if (!query.is_null(1)) found.key.session_no = query.integer(1);
  found.content = query.text(2);
  found.lsn = static_cast<Lsn>(query.integer(3));
  return found;
}

// A change of bypass mode (no LSN) comes after everything journalled.
bool is_outdated(Lsn operation, Lsn stored) {
  return operation != 0 && operation <= stored;
}

// False: the user has a message of this id already.
bool insert(Connection& connection, const Place& place, const Message& message, Lsn lsn,
            const text::Features& features) {
  auto statement = connection.prepare(
      "INSERT INTO items (kind, id, user_no, session_no, role, content, metadata, created_at, updated_at, "
      "seq, lsn) "
      "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING");
  statement.bind(kMessageKind).bind(message.id).bind(place.user_no).bind(place.session_no);
  statement.bind(static_cast<std::int64_t>(message.role)).bind(message.content).bind(message.metadata);
  statement.bind(message.created_at).bind(message.updated_at);
  statement.bind(static_cast<std::int64_t>(message.seq)).bind(static_cast<std::int64_t>(lsn));
  statement.run();
  if (connection.changes() == 0) return false;
  const ItemKey key{place.user_no, connection.last_insert_rowid(), kMessageKind, place.session_no,
                    static_cast<std::int64_t>(message.seq)};
  add_to_index(connection, key, features);
  return true;
}

void raise_last_seq(Connection& connection, std::int64_t session_no, std::uint64_t seq) {
  connection.prepare("UPDATE sessions SET last_seq = max(last_seq, ?) WHERE no = ?")
      .bind(static_cast<std::int64_t>(seq))
      .bind(session_no)
      .run();
}

void update(Connection& connection, const Place& place, const UpdateMessage& operation) {
  const auto existing = find_item(connection, place.user_no, kMessageKind, operation.id);
  if (!existing || is_outdated(operation.lsn, existing->lsn)) return;
  remove_from_index(connection, existing->key, existing->content);
  auto statement = connection.prepare(
      "UPDATE items SET role = ?, content = ?, metadata = ?, updated_at = ?, lsn = ? WHERE no = ?");
  statement.bind(static_cast<std::int64_t>(operation.role)).bind(operation.content).bind(operation.metadata);
  statement.bind(operation.updated_at)
      .bind(static_cast<std::int64_t>(std::max(operation.lsn, existing->lsn)));
  statement.bind(existing->key.no).run();
  add_to_index(connection, existing->key, *operation.features);
}

Place find_place(Connection& connection, const SessionBatch& batch) {
  auto query = connection.prepare(
      "SELECT s.user_no, s.no FROM sessions s JOIN users u ON u.no = s.user_no WHERE s.id = ? AND u.id = ?");
  query.bind(batch.session_id).bind(batch.user_id);
  if (!query.step()) throw NoSuchSession{};
  return {query.integer(0), query.integer(1)};
}

void erase_items(Connection& connection, Statement items) {
  std::vector<std::pair<ItemKey, std::string>> found;
  while (items.step())
    found.push_back({{items.integer(1), items.integer(0), 0, std::nullopt, 0}, std::string(items.text(2))});
  for (const auto& [key, content] : found) {
    remove_from_index(connection, key, content);
    connection.prepare("DELETE FROM items WHERE no = ?").bind(key.no).run();
  }
}

}  // namespace

void apply_batch(Connection& connection, const SessionBatch& batch) {
  const auto place = find_place(connection, batch);
  auto last_seq = batch.last_seq;
  for (const auto& operation : batch.operations) {
    if (const auto* added = std::get_if<InsertMessage>(&operation)) {
      insert(connection, place, added->message, added->lsn, *added->features);
      last_seq = std::max(last_seq, added->message.seq);
    } else if (const auto* changed = std::get_if<UpdateMessage>(&operation)) {
      update(connection, place, *changed);
    } else {
      const auto& erased = std::get<EraseMessage>(operation);
      erase_item(connection, place.user_no, kMessageKind, erased.id, erased.lsn);
    }
  }
  if (last_seq > 0) raise_last_seq(connection, place.session_no, last_seq);
}

std::optional<ImportRefusal> append_message(Connection& connection, const SessionPlace& place,
                                            Message message, Lsn lsn, const text::Features& features,
                                            bool& added) {
  message.seq = place.last_seq + 1;
  added = insert(connection, {place.user_no, place.session_no}, message, lsn, features);
  if (added) {
    raise_last_seq(connection, place.session_no, message.seq);
    return std::nullopt;
  }
  const auto existing = find_item(connection, place.user_no, kMessageKind, message.id);
  if (existing && existing->content == message.content) return std::nullopt;
  return ImportRefusal::other_content;
}

Lsn read_last_lsn(Connection& connection) {
  auto query = connection.prepare("SELECT value FROM meta WHERE key = 'last_lsn'");
  return query.step() ? std::stoull(std::string(query.text(0))) : 0;
}

void raise_last_lsn(Connection& connection, Lsn lsn) {
  if (lsn == 0 || lsn <= read_last_lsn(connection)) return;
  const auto value = std::to_string(lsn);
  connection.prepare("INSERT OR REPLACE INTO meta (key, value) VALUES ('last_lsn', ?)").bind(value).run();
}

void insert_knowledge(Connection& connection, const Knowledge& item, const text::Features& features) {
  const auto user_no = find_user_no(connection, item.user_id);
  if (!user_no) throw NoSuchSession{};
  auto statement = connection.prepare(
      "INSERT INTO items (kind, id, user_no, session_no, role, content, metadata, created_at, updated_at, "
      "seq, lsn) "
      "VALUES (?, ?, ?, NULL, 0, ?, '', ?, ?, 0, 0) ON CONFLICT DO NOTHING");
  statement.bind(kKnowledgeKind).bind(item.id).bind(*user_no).bind(item.content);
  statement.bind(item.created_at).bind(item.updated_at).run();
  if (connection.changes() == 0) return;
  add_to_index(connection, {*user_no, connection.last_insert_rowid(), kKnowledgeKind, std::nullopt, 0},
               features);
}

void update_knowledge_item(Connection& connection, const Knowledge& item, const text::Features& features) {
  const auto user_no = find_user_no(connection, item.user_id);
  const auto existing = user_no ? find_item(connection, *user_no, kKnowledgeKind, item.id) : std::nullopt;
  if (!existing) return;
  remove_from_index(connection, existing->key, existing->content);
  connection.prepare("UPDATE items SET content = ?, updated_at = ? WHERE no = ?")
      .bind(item.content)
      .bind(item.updated_at)
      .bind(existing->key.no)
      .run();
  add_to_index(connection, existing->key, features);
}

void erase_item(Connection& connection, std::int64_t user_no, std::int64_t kind, std::string_view id,
                Lsn lsn) {
  const auto existing = find_item(connection, user_no, kind, id);
  if (!existing || is_outdated(lsn, existing->lsn)) return;
  remove_from_index(connection, existing->key, existing->content);
  connection.prepare("DELETE FROM items WHERE no = ?").bind(existing->key.no).run();
}

void erase_session_items(Connection& connection, std::int64_t session_no) {
  auto items = connection.prepare("SELECT no, user_no, content FROM items WHERE session_no = ?");
  items.bind(session_no);
  erase_items(connection, std::move(items));
}

void erase_user_items(Connection& connection, std::int64_t user_no) {
  auto items = connection.prepare("SELECT no, user_no, content FROM items WHERE user_no = ?");
  items.bind(user_no);
  erase_items(connection, std::move(items));
}

std::optional<std::int64_t> find_user_no(Connection& connection, std::string_view user_id) {
  auto query = connection.prepare("SELECT no FROM users WHERE id = ?");
  query.bind(user_id);
  if (!query.step()) return std::nullopt;
  return query.integer(0);
}

}  // namespace holdfast::store
