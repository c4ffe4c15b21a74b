#include "holdfast/engine/largest_users.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace holdfast::engine {

asio::awaitable<std::vector<UserMemory>> largest_users(UserShard& shard, std::size_t count) {
  std::vector<UserMemory> largest;  // a heap, the smallest in front
  auto buckets = shard.table.user_buckets();
  for (std::size_t from = 0; from < buckets;) {
    const auto to = from + kBucketsAtOnce;
    shard.table.for_each_user(from, to, [&](const UserState& user) {
      const auto cached = shard.cache.bytes_of_user(user.id) + shard.speculations.bytes_of_user(user.id);
      if (user.held_bytes + cached == 0) return;  // without messages there are no features
      UserMemory found{user.id, user.held_messages, user.held_bytes, cached, user.features.bytes()};
      if (largest.size() == count) {
        if (!takes_more(found, largest.front())) return;
        std::pop_heap(largest.begin(), largest.end(), takes_more);
        largest.pop_back();
      }
      largest.push_back(std::move(found));
      std::push_heap(largest.begin(), largest.end(), takes_more);
    });
    from = to;
    if (from >= buckets) break;
    co_await asio::post(shard.executor, asio::use_awaitable);
    if (shard.table.user_buckets() != buckets) {  // users lie in other places now
      buckets = shard.table.user_buckets();
      largest.clear();
      from = 0;
    }
  }
  std::sort_heap(largest.begin(), largest.end(), takes_more);
  co_return largest;
}

}  // namespace holdfast::engine
