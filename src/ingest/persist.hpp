// Makes a numbered round durable and visible: through the journal into the buffers, or in bypass mode
// straight into the store.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <string>
#include <vector>

#include "holdfast/ingest/ingest_path.hpp"

namespace holdfast::ingest {

struct Persisted {
  bool transfer_triggered = false;
};

asio::awaitable<Outcome<Persisted>> persist_round(UserShard& shard, const std::string& user_id,
                                                  const AddRequest& request, Round round, engine::Mode mode);

// Appends an operation to the journal. Failure: why it was refused.
asio::awaitable<Outcome<Lsn>> journal_operation(UserShard& shard, const journal::Operation& operation);

}  // namespace holdfast::ingest
