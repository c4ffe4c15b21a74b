#include "holdfast/engine/buffered_features.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <utility>
#include <vector>

#include "holdfast/embedding/item_vectors.hpp"

namespace holdfast::engine {
namespace {

struct Wanted {
  std::string user_id, session_id, message_id, content;
};

// The windows of the next messages hold the one at this place. Where one of them is not buffered, its id is
// not known here: then the epoch ends.
void note_windows_changed(UserShard& shard, UserState& user, const SessionState& session, std::uint64_t seq) {
  const auto most = std::min<std::uint64_t>(text::kContextWeights.size(), session.next_seq - 1 - seq);
  std::vector<std::string> next;
  session.buffer.for_each([&](metrics::Stage, const Message& message) {
    if (message.seq > seq && message.seq - seq <= most) next.push_back(message.id);
  });
  if (next.size() < most) return shard.table.written(user);
  for (const auto& id : next) shard.table.changed(user, id);
}

void attach(UserShard& shard, const Wanted& wanted, embedding::ItemVectors answer) {
  auto* user = shard.table.find_user(wanted.user_id);
  if (!user) return;
  user->vectors_requested.erase(wanted.message_id);
  auto* session = shard.table.find_session(wanted.session_id);
  const auto* message = session ? session->buffer.find(wanted.message_id) : nullptr;
  if (!answer || !message || message->content != wanted.content) return;
  (void)features_of(*user, *message, shard.parts);
  auto& features = user->features.find(wanted.message_id)->second;
  features.vectors = std::move(*answer);
  features.vector_pending = false;
  shard.table.changed(*user, wanted.message_id);
  if (shard.parts.options->chunk_strategy == text::ChunkStrategy::contextual)
    note_windows_changed(shard, *user, *session, message->seq);
}

}  // namespace

const text::Features& features_of(UserState& user, const Message& message, const Parts& parts) {
  const auto known = user.features.find(message.id);
  if (known != user.features.end()) return known->second;
  return user.features
      .emplace(message.id,
               text::extract_features(message.content, parts.embedder, parts.options->flush.chunking))
      .first->second;
}

void request_vector(UserShard& shard, UserState& user, const Message& message) {
  auto* remote = shard.parts.remote;
  if (!remote || !remote->available()) return;
  const auto known = user.features.find(message.id);
  if (known != user.features.end() && !known->second.vector_pending) return;
  if (!user.vectors_requested.insert(message.id).second) return;
  auto done = [&shard,
               wanted = Wanted{user.id, message.session_id, message.id, message.content}](auto answer) {
    boost::asio::post(shard.executor, [&shard, wanted, answer = std::move(answer)]() mutable {
      attach(shard, wanted, std::move(answer));
    });
  };
  std::vector<embedding::ItemText> one;
  one.push_back({message.content, std::move(done)});
  embedding::request_item_vectors(*remote, std::move(one), shard.parts.options->flush.chunking,
                                  shard.parts.clock);
}

}  // namespace holdfast::engine
