// Exports: what is in the store as lines of NDJSON (message_line.hpp), page by page, in memory of a fixed
// size.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "holdfast/base/result.hpp"
#include "holdfast/store/memory_store.hpp"
#include "holdfast/transfer/options.hpp"

namespace holdfast::transfer {

// Whole lines, about options.buffer_size bytes at a time. An error ends the export.
using Sink = std::function<Result<void>(std::string_view lines)>;

// In the order in which the messages were stored, user by user where users (names) are given. Answer: the
// number of messages. What is stored meanwhile may be in it.
Result<std::uint64_t> export_messages(store::MemoryStore& store, const std::vector<std::string>& users,
                                      const Options& options, const Sink& sink);

}  // namespace holdfast::transfer
