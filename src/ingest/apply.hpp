// The step that makes a durable operation visible: the same for live requests and for replay.
#pragma once

#include <string_view>
#include <vector>

#include "holdfast/engine/user_shard.hpp"
#include "holdfast/journal/record.hpp"

namespace holdfast::ingest {

using Done = buffer::SessionBuffer::Done;

// The round joins the session's buffers. True: it moved something on to the hybrid buffer.
bool apply_round(engine::UserShard& shard, engine::SessionState& session, buffer::BufferedRound round);

// The session is to be touched() afterwards.
void apply_change(engine::UserShard& shard, engine::SessionState& session, const buffer::Change& change,
                  Lsn lsn, Done done = Done::never);

// Ends with the erasure acknowledged, or waiting for the store.
void apply_erasures(engine::UserShard& shard, engine::SessionState& session,
                    const std::vector<std::string>& ids, Lsn lsn, Done done = Done::never);

}  // namespace holdfast::ingest
