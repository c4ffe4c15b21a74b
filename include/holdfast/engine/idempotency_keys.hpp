// Idempotency keys of a shard's users with the answers that were given, so that a repeat under the same key
// gets the same answer. A key is known until it is older than the window, its user has had kKeysOfUser newer
// ones or the answers of these need a quarter of max_bytes, or those of all users need max_bytes: the oldest
// go first. Owned by the shard's thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "holdfast/base/clock.hpp"
#include "holdfast/engine/string_map.hpp"
#include "holdfast/metrics/probes.hpp"

namespace holdfast::engine {

// The answer to an add.
struct AddAnswer {
  std::vector<std::string> message_ids;
  std::uint64_t first_seq = 0;
  std::uint64_t last_seq = 0;
  bool transfer_triggered = false;
  bool bypassed = false;  // committed by the store itself
  bool replayed = false;  // this is the answer to an earlier request
};

class IdempotencyKeys {
 public:
  struct Options {
    std::chrono::milliseconds window;  // since the answer
    std::size_t max_bytes;
  };
  struct Entry {
    std::uint64_t request_hash = 0;
    std::optional<AddAnswer> answer;  // none: still being written
    SteadyTime answered_at{};
  };
  static constexpr std::size_t kKeysOfUser = 1000;
  static constexpr std::size_t kForgottenAtOnce = 4096;  // so that others get their turn

  // The probe's idempotency_bytes and idempotency_forgotten are written here; it must outlive this.
  IdempotencyKeys(Options options, metrics::ShardProbe& probe) : options_(options), probe_(probe) {}
  ~IdempotencyKeys();
  IdempotencyKeys(const IdempotencyKeys&) = delete;
  IdempotencyKeys& operator=(const IdempotencyKeys&) = delete;

  // Valid until the next call that is not const.
  const Entry* find(std::string_view user_id, std::string_view key, SteadyTime now) const;

  void begin(const std::string& user_id, const std::string& key, std::uint64_t request_hash);
  // Once after begin(). at: when it was answered, for the window.
  void complete(std::string_view user_id, std::string_view key, AddAnswer answer, SteadyTime at);
  void abandon(std::string_view user_id, std::string_view key);

  void forget_user(std::string_view user_id);
  // What find() does not find any more leaves memory, the oldest first. True: there is more of it.
  bool forget_expired(SteadyTime now, std::size_t most = kForgottenAtOnce);
  void reconfigure(Options options, SteadyTime now);

 private:
  // Refers to what is in the maps, which stays where it is.
  struct Answered {
    const std::string* user_id;
    const StringMap<Entry>::value_type* key;
    std::size_t bytes;
  };
  using Place = std::list<Answered>::iterator;
  struct OfUser {
    StringMap<Entry> entries;
    std::list<Place> answered;  // oldest first, as in answered_
    std::size_t bytes = 0;      // of these
  };
  using User = StringMap<OfUser>::iterator;

  User user_of_oldest() { return users_.find(*answered_.front().user_id); }
  void trim(SteadyTime now);
  bool is_over(const Entry& entry, SteadyTime now) const;
  void forget_for_room(User user, SteadyTime now);  // the user's oldest
  void forget_oldest(User user);
  void drop(OfUser& user, Place place);
  void erase_if_empty(User user);

  Options options_;
  metrics::ShardProbe& probe_;
  StringMap<OfUser> users_;
  std::list<Answered> answered_;  // of all users, oldest first
};

}  // namespace holdfast::engine
