#include "holdfast/ingest/ingest_path.hpp"

#include <algorithm>
#include <memory>
#include <utility>

#include "apply.hpp"
#include "dedup.hpp"
#include "holdfast/bypass/direct_path.hpp"
#include "persist.hpp"
#include "way.hpp"

namespace holdfast::ingest {
namespace {

using engine::Entity;
using engine::Failure;
using engine::FailureKind;
using engine::SessionState;
using engine::UserState;
using metrics::TimedComponent;

std::size_t text_bytes(const AddRequest& request) {
  std::size_t bytes = 0;
  for (const auto& message : request.messages) bytes += message.content.size() + message.metadata.size();
  return bytes;
}

// Of each message. Much text is counted elsewhere, so that other requests need not wait for it.
asio::awaitable<Outcome<std::vector<std::size_t>>> count_tokens(UserShard& shard, AddRequest& request) {
  constexpr std::size_t kCountedHere = 8u << 10;
  const auto& clock = shard.parts.clock;
  std::vector<std::size_t> counts;
  if (text_bytes(request) <= kCountedHere) {
    const auto began = clock.steady_now();
    for (const auto& message : request.messages) counts.push_back(shard.parts.tokens.count(message.content));
    shard.probe.components.record(TimedComponent::token_count, began, clock.steady_now());
    co_return counts;
  }
  auto texts = std::make_shared<std::vector<std::string>>();
  for (auto& message : request.messages) texts->push_back(std::move(message.content));
  struct Counted {
    std::vector<std::size_t> counts;
    SteadyTime began{}, ended{};
  };
  auto call = [texts, &tokens = shard.parts.tokens, &clock]() -> Result<Counted> {
    Counted counted;
    counted.began = clock.steady_now();
    for (const auto& text : *texts) counted.counts.push_back(tokens.count(text));
    counted.ended = clock.steady_now();
    return counted;
  };
  auto counted =
      co_await runtime::call_blocking(shard.parts.compute, shard.parts.options->store_timeout, call);
  if (!counted) co_return engine::unavailable(counted.error());
  shard.probe.components.record(TimedComponent::token_count, counted->began, counted->ended);
  for (std::size_t i = 0; i < texts->size(); ++i) request.messages[i].content = std::move((*texts)[i]);
  co_return std::move(counted->counts);
}

// The messages that are not repeats, with ids, times and sequence numbers; answer gets an id for every
// message.
Round number_round(UserShard& shard, SessionState& session, AddRequest& request,
                   const std::vector<bool>& repeats, const std::vector<std::size_t>& tokens,
                   AddAnswer& answer) {
  const auto now = shard.parts.clock.now();
  Round round;
  round.session_id = request.session_id;
  answer.first_seq = session.next_seq;
  for (std::size_t i = 0; i < request.messages.size(); ++i) {
    auto& from = request.messages[i];
    answer.message_ids.push_back(from.id ? *from.id : make_uuid_v7(now));
    if (repeats[i]) continue;
    Message message;
    message.id = answer.message_ids.back();
    message.session_id = request.session_id;
    message.role = from.role;
    message.content = std::move(from.content);
    message.created_at = from.created_at.value_or(now);
    message.updated_at = message.created_at;
    message.seq = session.next_seq++;
    message.metadata = std::move(from.metadata);
    message.tokens = static_cast<std::uint32_t>(tokens[i]);
    round.messages.push_back(std::move(message));
  }
  answer.last_seq = session.next_seq - 1;
  return round;
}

// The answer to an earlier request under the same key, or why this one cannot be served; nothing when the key
// is new.
std::optional<Outcome<AddAnswer>> answer_to_key(UserShard& shard, const std::string& user_id,
                                                const AddRequest& request) {
  if (request.idempotency_key.empty()) return std::nullopt;
  const auto now = shard.parts.clock.steady_now();
  const auto* entry = shard.idempotency.find(user_id, request.idempotency_key, now);
  if (!entry) return std::nullopt;
  if (entry->request_hash != request.request_hash) {
    return Failure{FailureKind::key_reused, Entity::message, request.idempotency_key};
  }
  if (!entry->answer) return Failure{FailureKind::in_progress, Entity::message, request.idempotency_key};
  return *entry->answer;
}

// A message of the same id is being written.
std::optional<Failure> id_in_progress(const UserState& user, const AddRequest& request) {
  for (const auto& message : request.messages) {
    if (message.id && user.ids_in_progress.contains(*message.id)) {
      return Failure{FailureKind::in_progress, Entity::message, *message.id};
    }
  }
  return std::nullopt;
}

// Marks the request's ids and key as being written, and unmarks them however the request ends.
class InProgress {
 public:
  InProgress(UserShard& shard, std::string user_id, const AddRequest& request, std::size_t bytes)
      : shard_(shard), user_id_(std::move(user_id)), key_(request.idempotency_key), bytes_(bytes) {
    auto& user = shard_.table.insert_user(user_id_);
    for (const auto& message : request.messages) {
      if (message.id) ids_.push_back(*message.id);
    }
    user.ids_in_progress.insert(ids_.begin(), ids_.end());
    if (!key_.empty()) shard.idempotency.begin(user_id_, key_, request.request_hash);
    user.writing_bytes += bytes_;
  }
  InProgress(const InProgress&) = delete;
  InProgress& operator=(const InProgress&) = delete;
  ~InProgress() {
    auto* user = shard_.table.find_user(user_id_);
    if (user) {
      for (const auto& id : ids_) user->ids_in_progress.erase(id);
      user->writing_bytes -= std::min(bytes_, user->writing_bytes);
    }
    if (!key_.empty() && !completed_) shard_.idempotency.abandon(user_id_, key_);
  }
  void complete(const AddAnswer& answer) {
    completed_ = true;
    if (key_.empty()) return;
    shard_.idempotency.complete(user_id_, key_, answer, shard_.parts.clock.steady_now());
  }

 private:
  UserShard& shard_;
  std::string user_id_, key_;
  const std::size_t bytes_;
  std::vector<std::string> ids_;
  bool completed_ = false;
};

}  // namespace

asio::awaitable<Outcome<AddAnswer>> add_messages(UserShard& shard, AddRequest request) {
  auto opened = co_await shard.table.open_session(request.session_id);
  if (!opened) co_return opened.error();
  const std::string user_id = (*opened)->session.user_id;
  const auto& user = shard.table.insert_user(user_id);
  if (auto earlier = answer_to_key(shard, user_id, request)) co_return std::move(*earlier);
  if (auto taken = id_in_progress(user, request)) co_return std::move(*taken);
  const auto bytes = text_bytes(request);
  const auto count = request.messages.size();
  if (auto refusal = shard.refusal(user, count, bytes)) co_return std::move(*refusal);

  // From here on the ids and the key are this request's, however long the looking takes.
  InProgress in_progress(shard, user_id, request, bytes + count * engine::kMessageOverhead);
  const auto tokens = co_await count_tokens(shard, request);
  if (!tokens) co_return tokens.error();
  const auto repeats = co_await find_repeats(shard, request, user_id);
  if (!repeats) co_return repeats.error();
  const auto mode = co_await choose_way(shard, request.session_id);
  if (!mode) co_return mode.error();

  // No wait until the round is with the journal (or the store): numbers are given in that order.
  auto* session = shard.table.find_session(request.session_id);
  AddAnswer answer;
  answer.bypassed = *mode == engine::Mode::bypass;
  auto round = number_round(shard, *session, request, *repeats, *tokens, answer);
  if (round.messages.empty()) co_return answer;
  const UnderWay under_way(shard, request.session_id, *mode, UnderWay::Kind::add);
  const auto persisted = co_await persist_round(shard, user_id, request, std::move(round), *mode);
  if (!persisted) co_return persisted.error();
  answer.transfer_triggered = persisted->transfer_triggered;
  in_progress.complete(answer);
  co_return answer;
}

}  // namespace holdfast::ingest
