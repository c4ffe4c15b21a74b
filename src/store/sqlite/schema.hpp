#pragma once

#include "database.hpp"

namespace holdfast::store {

// Kinds in items.kind and vectors.kind: on disk.
inline constexpr std::int64_t kMessageKind = 0;
inline constexpr std::int64_t kKnowledgeKind = 1;

// Creates the tables in an empty database; refuses (SqliteFailure) one of a later version.
void prepare_schema(Connection& connection);
// Throws where the database is not of this version; writes nothing.
void check_schema(Connection& connection);

}  // namespace holdfast::store
