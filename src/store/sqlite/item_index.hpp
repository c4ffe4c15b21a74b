// The search index of one item: its terms, its vector and its share in its user's totals.
#pragma once

#include <optional>
#include <string_view>

#include "database.hpp"
#include "holdfast/text/features.hpp"

namespace holdfast::store {

struct ItemKey {
  std::int64_t user_no = 0;
  std::int64_t no = 0;
  std::int64_t kind = 0;
  std::optional<std::int64_t> session_no;
  std::int64_t seq = 0;  // in the session
};

// "12_hello 12_world": what the terms table is given; "12_hello": one of its terms.
std::string user_terms(std::int64_t user_no, const text::Terms& terms);
std::string user_term(std::int64_t user_no, std::string_view term);

void add_to_index(Connection& connection, const ItemKey& key, const text::Features& features);
// content: as it was when the item was indexed.
void remove_from_index(Connection& connection, const ItemKey& key, std::string_view content);

// Makes the whole index anew when it was made by another analyzer or embedder, or with other chunks. Within a
// write transaction.
void rebuild_index_if_outdated(Connection& connection, const text::Embedder& embedder,
                               text::ChunkOptions chunking);

}  // namespace holdfast::store
