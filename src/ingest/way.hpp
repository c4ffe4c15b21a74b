// Which way a write goes: through the journal and the buffers, or directly to the store (bypass). The
// configuration may change while requests are served; a session's writes never overtake each other.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <string>

#include "holdfast/ingest/ingest_path.hpp"

namespace holdfast::ingest {

// Waits until the session's earlier writes are where this one's way leads: the buffered ones in the store
// before a direct write, the direct ones done before a journalled one. The answer holds until the next
// co_await. Failure: not_found, or unavailable when that takes longer than the store's timeout.
asio::awaitable<Outcome<engine::Mode>> choose_way(UserShard& shard, std::string session_id);

// Counts a write that is under way, for as long as it lives.
class UnderWay {
 public:
  enum class Kind { add, update, erasure };
  UnderWay(UserShard& shard, std::string session_id, engine::Mode mode, Kind kind);
  ~UnderWay();
  UnderWay(const UnderWay&) = delete;
  UnderWay& operator=(const UnderWay&) = delete;

 private:
  void count(int difference);
  UserShard& shard_;
  const std::string session_id_;
  const engine::Mode mode_;
  const Kind kind_;
};

}  // namespace holdfast::ingest
