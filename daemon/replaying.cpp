// The journal's operations, given back to the shards at start.
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>
#include <chrono>
#include <functional>
#include <future>
#include <utility>
#include <vector>

#include "daemon.hpp"
#include "holdfast/base/ids.hpp"
#include "holdfast/base/log.hpp"
#include "holdfast/ingest/ingest_path.hpp"

namespace holdfast {
namespace {

// Gives a shard some records at a time, so that the next are read while it takes these in.
class ReplayFeed {
 public:
  ReplayFeed(engine::UserShard& shard, const std::function<bool()>& end) : shard_(shard), end_(end) {}

  // Once something could not be taken in, nothing behind it is.
  Result<void> push(journal::ReplayedRecord record) {
    bytes_ += record.bytes;
    next_.push_back(std::move(record));
    return bytes_ < kBytesAtOnce && next_.size() < kRecordsAtOnce ? outcome_ : hand_over();
  }
  // Waits until all of it is taken in, or something could not be.
  Result<void> finish() {
    (void)hand_over();
    return wait();
  }

 private:
  static constexpr std::chrono::milliseconds kEndAskedEvery{20};
  static constexpr std::size_t kBytesAtOnce = 256u << 10, kRecordsAtOnce = 256;

  static Error told_to_end() { return permanent("told to end while the journal was replayed"); }
  Result<void> wait() {
    if (!under_way_.valid()) return outcome_;
    while (under_way_.wait_for(kEndAskedEvery) != std::future_status::ready) {
      if (end_()) return outcome_ = told_to_end();
    }
    return outcome_ = under_way_.get();
  }
  Result<void> hand_over() {
    auto records = std::exchange(next_, {});
    bytes_ = 0;
    if (!wait()) return outcome_;
    if (end_()) return outcome_ = told_to_end();
    under_way_ = boost::asio::co_spawn(shard_.executor, ingest::replay(shard_, std::move(records)),
                                       boost::asio::use_future);
    return {};
  }

  engine::UserShard& shard_;
  const std::function<bool()>& end_;
  std::vector<journal::ReplayedRecord> next_;
  std::size_t bytes_ = 0;  // of next_
  std::future<Result<void>> under_way_;
  Result<void> outcome_;
};

}  // namespace

Result<void> Daemon::replay_journal(const std::function<bool()>& end) {
  std::vector<ReplayFeed> feeds;
  for (const auto& shard : shards_) feeds.emplace_back(*shard, end);
  Result<void> failed;
  const auto summary = journal_->replay([&](journal::ReplayedRecord record) {
    if (!failed) return;
    const auto& user = std::visit(
        [](const auto& operation) -> const std::string& { return operation.user_id; }, record.operation);
    failed = feeds[shard_set_.owner(route_key(user))].push(std::move(record));
  });
  for (auto& feed : feeds) {
    if (auto taken = feed.finish(); !taken) failed = taken;
  }
  if (!summary) return summary.error();
  if (!failed) return failed;
  if (summary->records > 0 || summary->torn_bytes > 0 || summary->damaged_regions > 0) {
    log::info(
        "journal replayed: {} operations from {} segments, {} were in the store already, {} bytes torn off, "
        "{} damaged regions",
        summary->records, summary->segments, summary->acknowledged, summary->torn_bytes,
        summary->damaged_regions);
  }
  return {};
}

}  // namespace holdfast
