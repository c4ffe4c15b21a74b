// The sessions whose next query is to be predicted, for the speculative buffer. One shard's thread.
#pragma once

#include <algorithm>
#include <boost/asio/steady_timer.hpp>
#include <cstddef>
#include <deque>
#include <string>
#include <utility>

#include "holdfast/runtime/shard_set.hpp"

namespace holdfast::engine {

class PredictionQueue {
 public:
  static constexpr std::size_t kMost = 64;  // the oldest are forgotten: their queries may have come long ago

  explicit PredictionQueue(const runtime::Executor& executor)
      : changed(executor, boost::asio::steady_timer::time_point::max()) {}

  // Messages were added to it.
  void push(const std::string& session_id) {
    std::erase(sessions_, session_id);
    sessions_.push_back(session_id);
    if (sessions_.size() > kMost) sessions_.pop_front();
    changed.cancel();
  }
  void close() {
    closed_ = true;
    changed.cancel();
  }
  bool closed() const { return closed_; }
  bool empty() const { return sessions_.empty(); }
  // The latest; not empty.
  std::string pop() {
    auto session_id = std::move(sessions_.back());
    sessions_.pop_back();
    return session_id;
  }

  boost::asio::steady_timer changed;  // cancelled by push and close

 private:
  bool closed_ = false;
  std::deque<std::string> sessions_;  // each once, the latest last
};

}  // namespace holdfast::engine
