#include "holdfast/engine/buffered_features.hpp"

#include <boost/asio/post.hpp>
#include <utility>
#include <vector>

#include "holdfast/embedding/item_vectors.hpp"

namespace holdfast::engine {
namespace {

struct Wanted {
  std::string user_id, session_id, message_id, content;
};

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
  if (shard.parts.options->chunk_strategy == text::ChunkStrategy::contextual) {
    shard.table.changed_with_next(*user, *session, message->seq, wanted.message_id);
  } else {
    shard.table.changed(*user, wanted.message_id);
  }
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
