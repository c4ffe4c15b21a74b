#include "holdfast/bypass/direct_path.hpp"

#include <utility>

namespace holdfast::bypass {
namespace {

using engine::Entity;

asio::awaitable<Outcome<void>> write(UserShard& shard, std::string user_id, std::string session_id,
                                     std::vector<store::MessageOperation> operations) {
  store::SessionBatch batch;
  batch.id = make_uuid_v7(shard.parts.clock.now());
  batch.user_id = user_id;
  batch.session_id = session_id;
  batch.operations = std::move(operations);
  auto written = co_await shard.journal.acknowledgements_recorded();
  if (written) written = co_await shard.flush_loop.write_through(std::move(batch));
  // Also when it is not known whether it was written: the mode may have changed to one that caches meanwhile.
  if (auto* user = shard.table.find_user(user_id)) shard.table.written(*user);
  if (written) co_return Outcome<void>{};
  if (written.error().kind == ErrorKind::permanent) co_return engine::not_found(Entity::session, session_id);
  auto failure = engine::unavailable(written.error());
  if (failure.kind == engine::FailureKind::overloaded) failure.reason = metrics::RefusalReason::flush_queue;
  co_return failure;
}

}  // namespace

asio::awaitable<Outcome<void>> insert_round(UserShard& shard, std::string user_id, Round round) {
  // So no change that is still in the journal, of an earlier message with this id, applies to it.
  const auto lsn = shard.journal.highest();
  std::vector<store::MessageOperation> operations;
  for (auto& message : round.messages)
    operations.push_back(store::InsertMessage{std::move(message), lsn, {}});
  co_return co_await write(shard, std::move(user_id), std::move(round.session_id), std::move(operations));
}

asio::awaitable<Outcome<void>> update(UserShard& shard, std::string user_id, std::string session_id,
                                      std::vector<Message> messages) {
  std::vector<store::MessageOperation> operations;
  for (auto& to : messages) {
    operations.push_back(store::UpdateMessage{
        std::move(to.id), to.role, std::move(to.content), std::move(to.metadata), to.updated_at, 0, {}});
  }
  co_return co_await write(shard, std::move(user_id), std::move(session_id), std::move(operations));
}

asio::awaitable<Outcome<void>> erase(UserShard& shard, std::string user_id, std::string session_id,
                                     std::vector<std::string> ids) {
  std::vector<store::MessageOperation> operations;
  for (auto& id : ids) operations.push_back(store::EraseMessage{std::move(id), 0});
  co_return co_await write(shard, std::move(user_id), std::move(session_id), std::move(operations));
}

}  // namespace holdfast::bypass
