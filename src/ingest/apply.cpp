#include "apply.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "holdfast/engine/buffered_features.hpp"

namespace holdfast::ingest {

using engine::SessionState;
using engine::UserShard;

void set_lsn(buffer::BufferedRound& round, Lsn lsn) {
  round.lsn = lsn;
  for (auto& held : round.messages) held.lsn = lsn;
}

bool apply_round(UserShard& shard, SessionState& session, buffer::BufferedRound round) {
  auto& user = shard.table.insert_user(session.session.user_id);
  for (const auto& held : round.messages) {
    engine::request_vector(shard, user, held.message);
    shard.table.changed(user, held.message.id);
  }
  const bool moved = shard.flush_loop.add(session, std::move(round));
  return moved;
}

void apply_change(UserShard& shard, SessionState& session, const buffer::Change& change, Lsn lsn) {
  auto& user = shard.table.insert_user(session.session.user_id);
  user.features.erase(change.message.id);
  const auto applied = session.buffer.update(change, lsn);
  if (const auto& replaced = applied.in_place) {
    auto& stage = shard.probe.stages[replaced->stage];
    stage.bytes_out.add(replaced->bytes);
    stage.bytes_in.add(change.message.content.size());
    shard.table.hold(user, 0, change.message.content.size());
    shard.table.release(user, 0, replaced->bytes);
  }
  if (applied.queued) shard.probe.operation_bytes.add(change.message.content.size());
  engine::request_vector(shard, user, change.message);
  shard.table.changed_with_next(user, session, change.message.seq, change.message.id);
}

void apply_erasures(UserShard& shard, SessionState& session, const std::vector<std::string>& ids, Lsn lsn) {
  auto& user = shard.table.insert_user(session.session.user_id);
  std::vector<Lsn> released;
  for (const auto& id : ids) {
    user.features.erase(id);
    const auto* held = session.buffer.find(id);
    const auto place = held ? std::optional(held->seq) : std::nullopt;
    const auto applied = session.buffer.erase(id, lsn, released);
    if (applied.in_place) {
      shard.probe.stages[applied.in_place->stage].leave(1, applied.in_place->bytes);
      shard.table.release(user, 1, applied.in_place->bytes);
    }
    if (place) {
      shard.table.changed_with_next(user, session, *place, id);
    } else {
      shard.table.written(user);  // those behind it were scored with it
    }
  }
  // It is acknowledged with the rounds or operations that keep its LSN, if any do.
  const auto kept = session.buffer.all_lsns();
  std::erase(released, lsn);
  if (std::find(kept.begin(), kept.end(), lsn) == kept.end()) released.push_back(lsn);
  shard.journal.acknowledge(std::move(released));
  shard.flush_loop.touched(session);
}

}  // namespace holdfast::ingest
