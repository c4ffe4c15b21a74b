#include "apply.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "holdfast/engine/buffered_features.hpp"

namespace holdfast::ingest {

using engine::SessionState;
using engine::UserShard;

namespace {

void hold_operation(UserShard& shard, engine::UserState& user, const buffer::Applied& applied) {
  shard.table.hold(user, 0, applied.queued_bytes);
  shard.probe.operation_bytes.add(applied.queued_bytes);
}

}  // namespace

bool apply_round(UserShard& shard, SessionState& session, buffer::BufferedRound round) {
  auto& user = shard.table.insert_user(session.session.user_id);
  for (const auto& held : round.messages) {
    engine::request_vector(shard, user, held.message);
    shard.table.changed(user, held.message.id);
  }
  const bool moved = shard.flush_loop.add(session, std::move(round));
  return moved;
}

void apply_change(UserShard& shard, SessionState& session, const buffer::Change& change, Lsn lsn, Done done) {
  auto& user = shard.table.insert_user(session.session.user_id);
  user.features.erase(change.message.id);
  const auto applied = session.buffer.update(change, lsn, done);
  if (const auto& replaced = applied.in_place) {
    auto& stage = shard.probe.stages[replaced->stage];
    stage.bytes_out.add(replaced->bytes);
    stage.bytes_in.add(text_bytes(change.message));
    shard.table.hold(user, 0, text_bytes(change.message));
    shard.table.release(user, 0, replaced->bytes);
  }
  hold_operation(shard, user, applied);
  engine::request_vector(shard, user, change.message);
  shard.table.changed_with_next(user, session, change.message.seq, change.message.id);
}

void apply_erasures(UserShard& shard, SessionState& session, const std::vector<std::string>& ids, Lsn lsn,
                    Done done) {
  auto& user = shard.table.insert_user(session.session.user_id);
  std::vector<Lsn> released;
  for (const auto& id : ids) {
    user.features.erase(id);
    const auto* held = session.buffer.find(id);
    const auto place = held ? std::optional(held->seq) : std::nullopt;
    const auto applied = session.buffer.erase(id, lsn, released, done);
    if (applied.in_place) {
      shard.probe.stages[applied.in_place->stage].leave(1, applied.in_place->bytes);
      shard.table.release(user, 1, applied.in_place->bytes);
    }
    hold_operation(shard, user, applied);
    if (place) {
      shard.table.changed_with_next(user, session, *place, id);
    } else {
      shard.table.written(user);  // those behind it were scored with it
    }
  }
  std::erase(released, lsn);
  released.push_back(lsn);
  shard.journal.acknowledge(session.buffer.not_held(std::move(released)));
  shard.flush_loop.touched(session);
}

}  // namespace holdfast::ingest
