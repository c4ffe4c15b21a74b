#include "transfer.hpp"

#include <string>
#include <utility>

#include "catalogue.hpp"
#include "holdfast/base/ids.hpp"
#include "item_writer.hpp"

namespace holdfast::store {
namespace {

// Where a message goes: looked up by the unique indexes of the names, made where missing.
class PlaceFinder {
 public:
  PlaceFinder(Connection& connection, Timestamp now) : connection_(connection), now_(now) {}

  // Nothing: the session is another agent's.
  std::optional<SessionPlace> find(const NamedMessage& named) {
    const auto user = find_or_make(NamedTable::users, named.user);
    const auto agent = find_or_make(NamedTable::agents, named.agent);
    if (auto place = find_session_place(user.id, agent.id, named.session)) return check(*place);
    insert_session(connection_,
                   {make_session_id(route_key(user.id)), user.id, agent.id, named.session, now_, now_});
    return check(*find_session_place(user.id, agent.id, named.session));
  }

 private:
  struct Found {
    SessionPlace place;
    bool same_agent = false;
  };

  static std::optional<SessionPlace> check(const Found& found) {
    return found.same_agent ? std::optional(found.place) : std::nullopt;
  }

  User find_or_make(NamedTable table, const std::string& name) {
    if (auto known = find_named_by_name(connection_, table, name)) return std::move(*known);
    const User made{make_uuid_v7(now_), name, "", now_, now_};
    insert_named(connection_, table, made);
    return made;
  }

  std::optional<Found> find_session_place(const std::string& user_id, const std::string& agent_id,
                                          const std::string& name) {
    auto row = connection_.prepare(
        "SELECT s.user_no, s.no, s.last_seq, s.agent_id FROM users u "
        "JOIN sessions s ON s.user_no = u.no AND s.name = ?2 WHERE u.id = ?1");
    row.bind(user_id).bind(name);
    if (!row.step()) return std::nullopt;
    return Found{{row.integer(0), row.integer(1), static_cast<std::uint64_t>(row.integer(2))},
                 row.text(3) == agent_id};
  }

  Connection& connection_;
  const Timestamp now_;
};

// The order of the joins is given, so that pages are read by the key they go on from.
#define HOLDFAST_SCAN_COLUMNS                                                                           \
  "SELECT i.id, i.role, i.content, i.created_at, i.updated_at, i.seq, i.metadata, s.id, i.no, u.name, " \
  "ifnull(a.name, s.agent_id), s.name "
#define HOLDFAST_SCAN_NAMES                                                              \
  "CROSS JOIN sessions s ON s.no = i.session_no CROSS JOIN users u ON u.no = i.user_no " \
  "LEFT JOIN agents a ON a.id = s.agent_id "
constexpr std::string_view kScanAll =
    HOLDFAST_SCAN_COLUMNS "FROM items i NOT INDEXED " HOLDFAST_SCAN_NAMES "WHERE i.no > ? ORDER BY i.no";
constexpr std::string_view kScanUser =
    HOLDFAST_SCAN_COLUMNS "FROM vectors v CROSS JOIN items i ON i.no = v.no " HOLDFAST_SCAN_NAMES
                          "WHERE v.user_no = ? AND v.no > ? ORDER BY v.no";
#undef HOLDFAST_SCAN_COLUMNS
#undef HOLDFAST_SCAN_NAMES

}  // namespace

ImportAnswer import_named(Connection& connection, const std::function<std::vector<ImportedMessage>()>& next,
                          Timestamp now, Lsn lsn) {
  raise_last_lsn(connection, lsn);
  ImportAnswer answer;
  PlaceFinder places(connection, now);
  std::size_t number = 0;
  for (auto messages = next(); !messages.empty(); messages = next()) {
    for (auto& [named, features] : messages) {
      const auto index = number++;
      const auto place = places.find(named);
      if (!place) {
        answer.refused.emplace_back(index, ImportRefusal::other_agent);
        continue;
      }
      bool added = false;
      const auto refusal = append_message(connection, *place, std::move(named.message), lsn, features, added);
      if (refusal) {
        answer.refused.emplace_back(index, *refusal);
      } else {
        ++(added ? answer.added : answer.present);
      }
    }
  }
  return answer;
}

std::optional<Scanned> scan_named(Connection& connection, const MessageScan& scan) {
  Scanned page{{}, scan.after};
  auto rows = connection.prepare(scan.user ? kScanUser : kScanAll);
  if (scan.user) {
    const auto user = find_named_by_name(connection, NamedTable::users, *scan.user);
    if (!user) return std::nullopt;
    rows.bind(*find_user_no(connection, user->id));
  }
  rows.bind(scan.after);
  std::size_t bytes = 0;
  while (page.messages.size() < scan.limit && bytes < scan.max_bytes && rows.step()) {
    page.messages.push_back({std::string(rows.text(9)), std::string(rows.text(10)),
                             std::string(rows.text(11)), read_message(rows)});
    const auto& message = page.messages.back().message;
    bytes += message.content.size() + message.metadata.size();
    page.last = rows.integer(8);
  }
  return page;
}

}  // namespace holdfast::store
