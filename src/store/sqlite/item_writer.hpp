// Applies operations on messages and knowledge within a write transaction.
#pragma once

#include "database.hpp"
#include "holdfast/store/memory_store.hpp"
#include "item_index.hpp"

namespace holdfast::store {

// Thrown when a batch's session does not exist: this batch is refused, others go on.
struct NoSuchSession {};

void apply_batch(Connection& connection, const SessionBatch& batch);

struct SessionPlace {
  std::int64_t user_no = 0;
  std::int64_t session_no = 0;
  std::uint64_t last_seq = 0;
};
// Behind what the session has; added tells whether it was not there before.
std::optional<ImportRefusal> append_message(Connection& connection, const SessionPlace& place,
                                            Message message, Lsn lsn, const text::Features& features,
                                            bool& added);

void raise_last_lsn(Connection& connection, Lsn lsn);
Lsn read_last_lsn(Connection& connection);

void insert_knowledge(Connection& connection, const Knowledge& item, const text::Features& features);
void update_knowledge_item(Connection& connection, const Knowledge& item, const text::Features& features);
void erase_item(Connection& connection, std::int64_t user_no, std::int64_t kind, std::string_view id,
                Lsn lsn);
void erase_session_items(Connection& connection, std::int64_t session_no);
void erase_user_items(Connection& connection, std::int64_t user_no);

std::optional<std::int64_t> find_user_no(Connection& connection, std::string_view user_id);

}  // namespace holdfast::store
