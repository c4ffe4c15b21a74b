#include <utility>

#include "holdfast/engine/message_lookup.hpp"
#include "holdfast/query/query_path.hpp"
#include "keep_first.hpp"

namespace holdfast::query {
namespace {

using metrics::Stage;

bool comes_before(const store::MessageListing& listing, const Message& a, const Message& b) {
  const bool ascending = listing.order == store::Order::ascending;
  const auto& first = ascending ? a : b;
  const auto& second = ascending ? b : a;
  if (listing.sort_by == store::SortBy::id) return first.id < second.id;
  return std::pair(first.created_at, first.seq) < std::pair(second.created_at, second.seq);
}

std::vector<Message> copies_of_first(const store::MessageListing& listing,
                                     std::vector<const Message*> messages) {
  keep_first(messages, listing.limit,
             [&](const Message* a, const Message* b) { return comes_before(listing, *a, *b); });
  std::vector<Message> copies;
  for (const auto* message : messages) copies.push_back(*message);
  return copies;
}

}  // namespace

asio::awaitable<Outcome<std::vector<Message>>> list_messages(UserShard& shard, Listing listing) {
  const auto session = co_await shard.table.open_session(listing.what.session_id);
  if (!session) co_return session.error();
  std::vector<const Message*> held;
  const auto take = [&](Stage, const Message& message) { held.push_back(&message); };
  const bool bypass = shard.parts.options->mode == engine::Mode::bypass;
  if (listing.scope == Scope::round_buffer && !bypass) {
    (*session)->buffer.for_each_in_round_buffer(take);
    co_return copies_of_first(listing.what, std::move(held));
  }
  if ((*session)->backlog.messages > 0) {
    co_return engine::Failure{engine::FailureKind::unavailable, engine::Entity::session,
                              "messages of this session wait in the journal for the store",
                              metrics::RefusalReason::store};
  }
  (*session)->buffer.for_each(take);
  engine::StringSet hidden;
  for (const auto* message : held) hidden.insert(message->id);
  (*session)->buffer.for_each_erasure([&](std::string_view id) { hidden.emplace(id); });
  auto messages = copies_of_first(listing.what, std::move(held));
  auto wanted = listing.what;
  wanted.limit += hidden.size();  // the store may return that many that are hidden
  auto& store = shard.parts.store;
  auto call = [&store, wanted] { return store.messages(wanted); };
  auto stored =
      co_await runtime::call_blocking(shard.parts.store_pool, shard.parts.options->store_timeout, call);
  if (!stored) co_return engine::unavailable(stored.error());
  for (auto& message : *stored) {
    if (!hidden.contains(message.id)) messages.push_back(std::move(message));
  }
  keep_first(messages, listing.what.limit,
             [&](const Message& a, const Message& b) { return comes_before(listing.what, a, b); });
  co_return messages;
}

}  // namespace holdfast::query
