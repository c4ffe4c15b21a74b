// The searches of a shard whose answers others may wait for: identical concurrent misses share one.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "holdfast/model/types.hpp"
#include "holdfast/runtime/shard_set.hpp"

namespace holdfast::engine {

struct SearchUnderWay {
  SearchUnderWay(const runtime::Executor& executor, std::uint64_t number, std::size_t changes)
      : epoch(number), position(changes), ended(executor, boost::asio::steady_timer::time_point::max()) {}

  struct Answer {
    std::vector<ScoredResult> results;
    bool partial = false;
  };
  // When it began, in the user's epochs (cache/epoch.hpp): who comes after a change searches for himself.
  const std::uint64_t epoch;
  const std::size_t position;
  boost::asio::steady_timer ended;  // cancelled then
  std::optional<Answer> answer;     // none at the end: it failed
};

using SearchesUnderWay = std::unordered_map<std::string, std::shared_ptr<SearchUnderWay>>;  // by cache key

}  // namespace holdfast::engine
