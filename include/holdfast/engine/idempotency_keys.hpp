// Idempotency keys of a shard's users with the answers that were given, so that a repeat under the same key
// gets the same answer. A key is known until it is older than the window, its user has had kKeysOfUser newer
// ones or the answers of these need a quarter of max_bytes, or those of all users need max_bytes: the oldest
// go first. Owned by the shard's thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
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
    std::chrono::milliseconds window{std::chrono::minutes{10}};  // since the answer
    std::size_t max_bytes = 32u << 20;
  };
  struct Entry {
    std::uint64_t request_hash = 0;
    std::optional<AddAnswer> answer;  // none: still being written
  };
  static constexpr std::size_t kKeysOfUser = 1000;

  // bytes: where what the answers take is shown; must outlive this.
  IdempotencyKeys(Options options, metrics::Counter& bytes) : options_(options), bytes_(bytes) {}
  ~IdempotencyKeys();
  IdempotencyKeys(const IdempotencyKeys&) = delete;
  IdempotencyKeys& operator=(const IdempotencyKeys&) = delete;

  // Valid until the next call that is not const.
  const Entry* find(std::string_view user_id, std::string_view key) const;

  void begin(const std::string& user_id, const std::string& key, std::uint64_t request_hash);
  void complete(std::string_view user_id, std::string_view key, AddAnswer answer, SteadyTime now);
  void abandon(std::string_view user_id, std::string_view key);

  void forget_user(std::string_view user_id);
  void forget_expired(SteadyTime now);
  void reconfigure(Options options) { options_ = options; }

 private:
  struct Answered {
    std::string user_id, key;
    SteadyTime at;
    std::size_t bytes = 0;
  };
  using Place = std::list<Answered>::iterator;
  struct OfUser {
    StringMap<Entry> entries;
    std::size_t bytes = 0;
    std::deque<Place> answered;  // oldest first, as in answered_
  };

  void forget_oldest(StringMap<OfUser>::iterator user);
  void drop(OfUser& user, Place place);

  Options options_;
  metrics::Counter& bytes_;
  StringMap<OfUser> users_;
  std::list<Answered> answered_;  // of all users, oldest first
};

}  // namespace holdfast::engine
