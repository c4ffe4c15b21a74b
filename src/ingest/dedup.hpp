// Client-made ids: which messages of a request are already there.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <string>
#include <vector>

#include "holdfast/ingest/ingest_path.hpp"

namespace holdfast::ingest {

// For each message of the request: true when a message of its id exists with the same session, role and
// content. Failure: id_conflict (other content), unavailable.
asio::awaitable<Outcome<std::vector<bool>>> find_repeats(UserShard& shard, const AddRequest& request,
                                                         const std::string& user_id);

}  // namespace holdfast::ingest
