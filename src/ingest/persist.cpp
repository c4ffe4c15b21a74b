#include "persist.hpp"

#include <algorithm>
#include <utility>

#include "apply.hpp"
#include "holdfast/bypass/direct_path.hpp"

namespace holdfast::ingest {
namespace {

using engine::Entity;
using engine::Failure;
using engine::FailureKind;
using metrics::RefusalReason;

Failure refused(const Error& error) {
  switch (error.kind) {
    case ErrorKind::overloaded:
      return {FailureKind::overloaded, Entity::message, error.message, RefusalReason::journal_queue};
    case ErrorKind::shutting_down:
      return {FailureKind::unavailable, Entity::message, error.message, RefusalReason::shutting_down};
    case ErrorKind::retryable:
    case ErrorKind::permanent:
      break;
  }
  return {FailureKind::unavailable, Entity::message, error.message, RefusalReason::journal_failed};
}

// Numbers that were given to a round which did not become durable are given again. The journal refuses what
// was numbered later under the same epoch too, so that is so for all numbers from first_seq on: the first
// refusal takes them back.
void take_back_numbers(UserShard& shard, const std::string& session_id, std::uint64_t first_seq,
                       std::uint64_t epoch) {
  auto* session = shard.table.find_session(session_id);
  if (!session || epoch < session->numbered_from_epoch) return;
  session->next_seq = std::min(session->next_seq, first_seq);
  session->numbered_from_epoch = shard.journal.epoch();
}

}  // namespace

asio::awaitable<Outcome<Lsn>> journal_operation(UserShard& shard, const journal::Operation& operation) {
  auto completion = co_await shard.journal.append(operation);
  if (completion.error) co_return refused(*completion.error);
  co_return completion.lsn;
}

asio::awaitable<Outcome<Persisted>> persist_round(UserShard& shard, const std::string& user_id,
                                                  const AddRequest& request, Round round, engine::Mode mode) {
  const std::string session_id = round.session_id;
  const auto first_seq = round.messages.front().seq;
  const auto epoch = shard.journal.epoch();
  const auto messages = round.messages.size();
  std::size_t tokens = 0, bytes = 0;
  for (const auto& message : round.messages) {
    tokens += message.tokens;
    bytes += text_bytes(message);
  }
  Persisted persisted;

  if (mode == engine::Mode::bypass) {
    const auto written = co_await bypass::insert_round(shard, user_id, std::move(round));
    if (!written) {
      take_back_numbers(shard, session_id, first_seq, epoch);
      co_return written.error();
    }
  } else {
    journal::Operation record = journal::AppendRecord{user_id, std::move(round), request.idempotency_key,
                                                      request.request_hash, shard.parts.clock.now()};
    const auto lsn = co_await journal_operation(shard, record);
    if (!lsn) {
      take_back_numbers(shard, session_id, first_seq, epoch);
      co_return lsn.error();
    }
    // From here to the end without a wait: completions arrive in journal order, and so must their effects.
    auto* session = shard.table.find_session(session_id);
    if (!session) {
      shard.journal.acknowledge({*lsn});
      co_return engine::not_found(Entity::session, session_id);
    }
    auto buffered = engine::to_buffered(std::move(std::get<journal::AppendRecord>(record).round), *lsn);
    persisted.transfer_triggered = apply_round(shard, *session, std::move(buffered));
    if (shard.parts.options->speculation.enabled) shard.predictions.push(session_id);
  }
  shard.probe.messages.add(messages);
  shard.probe.message_bytes.add(bytes);
  shard.probe.tokens.add(tokens);
  co_return persisted;
}

}  // namespace holdfast::ingest
