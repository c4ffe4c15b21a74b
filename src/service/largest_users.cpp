#include <algorithm>
#include <utility>

#include "holdfast/service/memory_service.hpp"

namespace holdfast::service {

constexpr std::chrono::milliseconds kNamesAtMost{500};

asio::awaitable<std::vector<LargeUser>> MemoryService::largest_users(std::size_t count) {
  std::vector<engine::UserMemory> all;
  for (auto& shard : shards_) {
    auto some = co_await runtime::hop(shard->executor, engine::largest_users(*shard, count));
    std::move(some.begin(), some.end(), std::back_inserter(all));
  }
  std::sort(all.begin(), all.end(), engine::takes_more);
  all.resize(std::min(all.size(), count));
  using Names = std::vector<std::optional<std::string>>;
  auto call = [&store = parts_.store, all]() -> Result<Names> {
    Names names;
    for (const auto& user : all) {
      auto found = store.user(user.user_id);
      if (!found) return found.error();
      names.push_back(*found ? std::optional(std::move((*found)->name)) : std::nullopt);
    }
    return names;
  };
  const auto names = co_await runtime::call_blocking(parts_.store_pool, kNamesAtMost, call);
  std::vector<LargeUser> users;
  for (std::size_t i = 0; i < all.size(); ++i) {
    users.push_back({std::move(all[i]), names ? (*names)[i] : std::nullopt});
  }
  co_return users;
}

}  // namespace holdfast::service
