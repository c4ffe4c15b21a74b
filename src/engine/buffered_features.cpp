#include "holdfast/engine/buffered_features.hpp"

#include <boost/asio/post.hpp>
#include <memory>
#include <unordered_set>
#include <utility>
#include <vector>

#include "holdfast/embedding/item_vectors.hpp"
#include "holdfast/metrics/memory_estimate.hpp"

namespace holdfast::engine {
namespace {

struct Wanted {
  std::string user_id, session_id, message_id, content;
};

struct Computed {
  Wanted of;
  text::SharedFeatures features;
};

// A few messages' are computed on the shard: some 0.6 ms at most.
constexpr std::size_t kComputedHere = 8u << 10;

std::size_t most_features(const UserShard& shard) {
  return static_cast<std::size_t>(metrics::kFeaturesShare *
                                  static_cast<double>(shard.parts.options->max_buffer_bytes) /
                                  shard.shard_count);
}

bool may_keep(const UserShard& shard, const text::Features& features) {
  return shard.parts.pressure.level() == memory::Level::normal &&
         shard.probe.feature_bytes.value() + features.bytes() <= most_features(shard);
}

// Those of the user's buffered messages whose features are not known, where they are too much to compute on
// the shard. Features take several times the content: of more than a quarter of their bound they have no
// room.
std::vector<Wanted> much_missing(UserShard& shard, const std::string& user_id) {
  const auto* user = shard.table.find_user(user_id);
  if (!user) return {};
  std::vector<const Message*> missing;
  std::size_t bytes = 0;
  for (const auto* session : user->sessions) {
    session->buffer.for_each([&](metrics::Stage, const Message& message) {
      if (bytes > most_features(shard) / 4 || user->features.find(message.id)) return;
      bytes += message.content.size();
      missing.push_back(&message);
    });
  }
  std::vector<Wanted> wanted;
  if (bytes <= kComputedHere) return wanted;
  for (const auto* message : missing) {
    wanted.push_back({user_id, message->session_id, message->id, message->content});
  }
  return wanted;
}

void attach(UserShard& shard, const Wanted& wanted, embedding::ItemVectors answer) {
  auto* user = shard.table.find_user(wanted.user_id);
  if (!user) return;
  user->vectors_requested.erase(wanted.message_id);
  auto* session = shard.table.find_session(wanted.session_id);
  const auto* message = session ? session->buffer.find(wanted.message_id) : nullptr;
  if (!answer || !message || message->content != wanted.content) return;
  auto features = *features_of(shard, *user, *message);
  features.vectors = std::move(*answer);
  features.vector_pending = false;
  user->features.put(message->id, std::make_shared<const text::Features>(std::move(features)));
  if (shard.parts.options->chunk_strategy == text::ChunkStrategy::contextual) {
    shard.table.changed_with_next(*user, *session, message->seq, wanted.message_id);
  } else {
    shard.table.changed(*user, wanted.message_id);
  }
}

}  // namespace

text::SharedFeatures features_of(UserShard& shard, UserState& user, const Message& message,
                                 const FeaturesForNow& for_now) {
  if (auto known = user.features.find(message.id)) return known;
  const auto computed = for_now.find(message.id);
  if (computed != for_now.end() && computed->second.content == message.content)
    return computed->second.features;
  const auto& parts = shard.parts;
  auto features = text::shared_features(message.content, parts.embedder, parts.options->flush.chunking);
  if (may_keep(shard, *features)) user.features.put(message.id, features);
  return features;
}

asio::awaitable<FeaturesForNow> compute_features(UserShard& shard, std::string user_id) {
  FeaturesForNow for_now;
  auto missing = much_missing(shard, user_id);
  if (missing.empty()) co_return for_now;
  auto call = [missing = std::move(missing), room = most_features(shard), &embedder = shard.parts.embedder,
               chunking = shard.parts.options->flush.chunking]() mutable -> Result<std::vector<Computed>> {
    std::vector<Computed> all;
    for (auto& one : missing) {
      auto features = text::shared_features(one.content, embedder, chunking);
      if (features->bytes() > room) break;
      room -= features->bytes();
      all.push_back({std::move(one), std::move(features)});
    }
    return all;
  };
  auto computed = co_await runtime::call_blocking(shard.parts.compute, shard.parts.options->store_timeout,
                                                  std::move(call));
  auto* user = shard.table.find_user(user_id);
  if (!computed || !user) co_return for_now;
  for (auto& [of, features] : *computed) {
    const auto* session = shard.table.find_session(of.session_id);
    const auto* message = session ? session->buffer.find(of.message_id) : nullptr;
    if (!message || message->content != of.content || user->features.find(message->id)) continue;
    if (may_keep(shard, *features)) {
      user->features.put(message->id, std::move(features));
    } else {
      for_now.insert_or_assign(of.message_id, PassingFeatures{std::move(of.content), std::move(features)});
    }
  }
  co_return for_now;
}

std::size_t limit_features(UserShard& shard, double share) {
  const auto most = static_cast<std::size_t>(share * static_cast<double>(most_features(shard)));
  const auto from_server = [deferred = shard.parts.embedder.deferred()](const text::Features& features) {
    return deferred && !features.vector_pending;
  };
  std::size_t freed = 0;
  std::unordered_set<const UserState*> seen;
  for (const auto* session : shard.flush_loop.sessions_with_work()) {
    const auto kept = shard.probe.feature_bytes.value();
    if (kept <= most) break;
    auto& user = shard.table.insert_user(session->session.user_id);
    if (!seen.insert(&user).second) continue;
    freed +=
        user.features.erase_some(kept - most, [&](const auto& features) { return !from_server(features); });
  }
  return freed;
}

void request_vector(UserShard& shard, UserState& user, const Message& message) {
  auto* remote = shard.parts.remote;
  if (!remote || !remote->available()) return;
  const auto known = user.features.find(message.id);
  if (known && !known->vector_pending) return;
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
