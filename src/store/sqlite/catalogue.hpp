// Users, agents, sessions and listings as SQL. Each function works within the caller's transaction.
#pragma once

#include "database.hpp"
#include "holdfast/store/memory_store.hpp"

namespace holdfast::store {

enum class NamedTable { users, agents };

Outcome insert_named(Connection& connection, NamedTable table, const User& entry);
Outcome update_named(Connection& connection, NamedTable table, const User& entry);
std::optional<User> find_named(Connection& connection, NamedTable table, std::string_view id);
std::optional<User> find_named_by_name(Connection& connection, NamedTable table, std::string_view name);
std::vector<User> list_named(Connection& connection, NamedTable table);
Outcome delete_user(Connection& connection, std::string_view id);
Outcome delete_agent(Connection& connection, std::string_view id);

Outcome insert_session(Connection& connection, const Session& session);
std::optional<SessionEntry> find_session(Connection& connection, std::string_view id);
std::vector<Session> list_sessions(Connection& connection, const SessionFilter& filter);
Outcome set_session_name(Connection& connection, std::string_view id, std::string_view name,
                         Timestamp updated_at);
Outcome delete_session(Connection& connection, std::string_view id);

// Columns: id, role, content, created_at, updated_at, seq, metadata, session id; others may follow.
Message read_message(const Statement& row);
std::vector<Message> list_session_messages(Connection& connection, const MessageListing& listing);
std::vector<Message> find_user_messages(Connection& connection, std::string_view user_id,
                                        std::span<const std::string> ids);
std::vector<Knowledge> list_user_knowledge(Connection& connection, std::string_view user_id);
std::vector<Knowledge> find_user_knowledge(Connection& connection, std::string_view user_id,
                                           std::span<const std::string> ids);

}  // namespace holdfast::store
