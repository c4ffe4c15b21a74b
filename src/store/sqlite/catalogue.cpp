#include "catalogue.hpp"

#include "item_writer.hpp"
#include "schema.hpp"

namespace holdfast::store {
namespace {

// Both tables have the same columns; a prepared statement needs its own literal for each.
struct NamedSql {
  std::string_view insert, update, by_id, by_name, list;
};
#define HOLDFAST_NAMED_SQL(TABLE)                                                                     \
  NamedSql {                                                                                          \
    "INSERT INTO " TABLE " (id, name, description, created_at, updated_at) VALUES (?, ?, ?, ?, ?)",   \
        "UPDATE " TABLE " SET name = ?, description = ?, updated_at = ? WHERE id = ?",                \
        "SELECT id, name, description, created_at, updated_at FROM " TABLE " WHERE id = ?",           \
        "SELECT id, name, description, created_at, updated_at FROM " TABLE " WHERE name = ?",         \
        "SELECT id, name, description, created_at, updated_at FROM " TABLE " ORDER BY created_at, no" \
  }
constexpr NamedSql kUsersSql = HOLDFAST_NAMED_SQL("users");
constexpr NamedSql kAgentsSql = HOLDFAST_NAMED_SQL("agents");
#undef HOLDFAST_NAMED_SQL

const NamedSql& sql_of(NamedTable table) {
  return table == NamedTable::users ? kUsersSql : kAgentsSql;
}

User read_named(const Statement& row) {
  return {std::string(row.text(0)), std::string(row.text(1)), std::string(row.text(2)), row.time(3),
          row.time(4)};
}

template <class Write>
Outcome unless_name_taken(Write write) {
  try {
    write();
  } catch (const SqliteFailure& failure) {
    if (failure.is_unique_violation()) return Outcome::name_taken;
    throw;
  }
  return Outcome::done;
}

constexpr std::string_view kSessionById =
    "SELECT s.id, u.id, s.agent_id, s.name, s.created_at, s.updated_at, s.last_seq "
    "FROM sessions s JOIN users u ON u.no = s.user_no WHERE s.id = ?";
constexpr std::string_view kSessionsFiltered =
    "SELECT s.id, u.id, s.agent_id, s.name, s.created_at, s.updated_at "
    "FROM sessions s JOIN users u ON u.no = s.user_no "
    "WHERE (?1 IS NULL OR u.id = ?1) AND (?2 IS NULL OR s.agent_id = ?2) AND (?3 IS NULL OR s.name = ?3) "
    "ORDER BY s.created_at, s.no";

Session read_session(const Statement& row) {
  return {std::string(row.text(0)),
          std::string(row.text(1)),
          std::string(row.text(2)),
          std::string(row.text(3)),
          row.time(4),
          row.time(5)};
}

}  // namespace

Message read_message(const Statement& row) {
  Message message;
  message.id = row.text(0);
  message.role = static_cast<Role>(row.integer(1));
  message.content = row.text(2);
  message.created_at = row.time(3);
  message.updated_at = row.time(4);
  message.seq = static_cast<std::uint64_t>(row.integer(5));
  message.metadata = row.text(6);
  message.session_id = row.text(7);
  return message;
}

namespace {

#define HOLDFAST_LISTING_SQL(ORDER)                                                                     \
  "SELECT i.id, i.role, i.content, i.created_at, i.updated_at, i.seq, i.metadata, s.id FROM items i "   \
  "JOIN sessions s ON s.no = i.session_no WHERE i.session_no = (SELECT no FROM sessions WHERE id = ?) " \
  "ORDER BY " ORDER " LIMIT ?"

std::string_view listing_sql(const MessageListing& listing) {
  const bool up = listing.order == Order::ascending;
  if (listing.sort_by == SortBy::id)
    return up ? HOLDFAST_LISTING_SQL("i.id") : HOLDFAST_LISTING_SQL("i.id DESC");
  return up ? HOLDFAST_LISTING_SQL("i.created_at, i.seq")
            : HOLDFAST_LISTING_SQL("i.created_at DESC, i.seq DESC");
}
#undef HOLDFAST_LISTING_SQL

Knowledge read_knowledge(const Statement& row, std::string_view user_id) {
  return {std::string(row.text(0)), std::string(user_id), std::string(row.text(1)), row.time(2), row.time(3)};
}

}  // namespace

Outcome insert_named(Connection& connection, NamedTable table, const User& entry) {
  return unless_name_taken([&] {
    auto insert = connection.prepare(sql_of(table).insert);
    insert.bind(entry.id).bind(entry.name).bind(entry.description);
    insert.bind(entry.created_at).bind(entry.updated_at).run();
  });
}

Outcome update_named(Connection& connection, NamedTable table, const User& entry) {
  const auto written = unless_name_taken([&] {
    auto update = connection.prepare(sql_of(table).update);
    update.bind(entry.name).bind(entry.description).bind(entry.updated_at).bind(entry.id).run();
  });
  return written == Outcome::done && connection.changes() == 0 ? Outcome::not_found : written;
}

std::optional<User> find_named(Connection& connection, NamedTable table, std::string_view id) {
  auto query = connection.prepare(sql_of(table).by_id);
  query.bind(id);
  return query.step() ? std::optional(read_named(query)) : std::nullopt;
}

std::optional<User> find_named_by_name(Connection& connection, NamedTable table, std::string_view name) {
  auto query = connection.prepare(sql_of(table).by_name);
  query.bind(name);
  return query.step() ? std::optional(read_named(query)) : std::nullopt;
}

std::vector<User> list_named(Connection& connection, NamedTable table) {
  std::vector<User> entries;
  auto rows = connection.prepare(sql_of(table).list);
  while (rows.step()) entries.push_back(read_named(rows));
  return entries;
}

Outcome delete_user(Connection& connection, std::string_view id) {
  const auto user_no = find_user_no(connection, id);
  if (!user_no) return Outcome::not_found;
  erase_user_items(connection, *user_no);
  connection.prepare("DELETE FROM sessions WHERE user_no = ?").bind(*user_no).run();
  connection.prepare("DELETE FROM users WHERE no = ?").bind(*user_no).run();
  return Outcome::done;
}

Outcome delete_agent(Connection& connection, std::string_view id) {
  connection.prepare("DELETE FROM agents WHERE id = ?").bind(id).run();
  return connection.changes() == 0 ? Outcome::not_found : Outcome::done;
}

Outcome insert_session(Connection& connection, const Session& session) {
  const auto user_no = find_user_no(connection, session.user_id);
  if (!user_no) return Outcome::not_found;
  return unless_name_taken([&] {
    auto insert = connection.prepare(
        "INSERT INTO sessions (id, user_no, agent_id, name, created_at, updated_at) VALUES (?, ?, ?, ?, ?, "
        "?)");
    insert.bind(session.id).bind(*user_no).bind(session.agent_id).bind(session.name);
    insert.bind(session.created_at).bind(session.updated_at).run();
  });
}

std::optional<SessionEntry> find_session(Connection& connection, std::string_view id) {
  auto query = connection.prepare(kSessionById);
  query.bind(id);
  if (!query.step()) return std::nullopt;
  return SessionEntry{read_session(query), static_cast<std::uint64_t>(query.integer(6))};
}

std::vector<Session> list_sessions(Connection& connection, const SessionFilter& filter) {
  std::vector<Session> sessions;
  auto rows = connection.prepare(kSessionsFiltered);
  rows.bind(filter.user_id).bind(filter.agent_id).bind(filter.name);
  while (rows.step()) sessions.push_back(read_session(rows));
  return sessions;
}

Outcome set_session_name(Connection& connection, std::string_view id, std::string_view name,
                         Timestamp updated_at) {
  const auto written = unless_name_taken([&] {
    auto update = connection.prepare("UPDATE sessions SET name = ?, updated_at = ? WHERE id = ?");
    update.bind(name).bind(updated_at).bind(id).run();
  });
  return written == Outcome::done && connection.changes() == 0 ? Outcome::not_found : written;
}

Outcome delete_session(Connection& connection, std::string_view id) {
  std::int64_t session_no = 0;
  {
    auto query = connection.prepare("SELECT no FROM sessions WHERE id = ?");
    query.bind(id);
    if (!query.step()) return Outcome::not_found;
    session_no = query.integer(0);
  }
  erase_session_items(connection, session_no);
  connection.prepare("DELETE FROM sessions WHERE no = ?").bind(session_no).run();
  return Outcome::done;
}

std::vector<Message> list_session_messages(Connection& connection, const MessageListing& listing) {
  std::vector<Message> messages;
  auto rows = connection.prepare(listing_sql(listing));
  rows.bind(listing.session_id).bind(static_cast<std::int64_t>(listing.limit));
  while (rows.step()) messages.push_back(read_message(rows));
  return messages;
}

std::vector<Message> find_user_messages(Connection& connection, std::string_view user_id,
                                        std::span<const std::string> ids) {
  std::vector<Message> messages;
  const auto user_no = find_user_no(connection, user_id);
  if (!user_no) return messages;
  for (const auto& id : ids) {
    auto row = connection.prepare(
        "SELECT i.id, i.role, i.content, i.created_at, i.updated_at, i.seq, i.metadata, s.id FROM items i "
        "JOIN sessions s ON s.no = i.session_no WHERE i.user_no = ? AND i.kind = ? AND i.id = ?");
    row.bind(*user_no).bind(kMessageKind).bind(id);
    if (row.step()) messages.push_back(read_message(row));
  }
  return messages;
}

std::vector<Knowledge> list_user_knowledge(Connection& connection, std::string_view user_id) {
  std::vector<Knowledge> items;
  auto rows = connection.prepare(
      "SELECT i.id, i.content, i.created_at, i.updated_at FROM items i "
      "WHERE i.user_no = (SELECT no FROM users WHERE id = ?) AND i.kind = ? ORDER BY i.created_at, i.no");
  rows.bind(user_id).bind(kKnowledgeKind);
  while (rows.step()) items.push_back(read_knowledge(rows, user_id));
  return items;
}

std::vector<Knowledge> find_user_knowledge(Connection& connection, std::string_view user_id,
                                           std::span<const std::string> ids) {
  std::vector<Knowledge> items;
  for (const auto& id : ids) {
    auto row = connection.prepare(
        "SELECT i.id, i.content, i.created_at, i.updated_at FROM items i "
        "WHERE i.user_no = (SELECT no FROM users WHERE id = ?) AND i.kind = ? AND i.id = ?");
    row.bind(user_id).bind(kKnowledgeKind).bind(id);
    if (row.step()) items.push_back(read_knowledge(row, user_id));
  }
  return items;
}

}  // namespace holdfast::store
