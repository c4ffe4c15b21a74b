#include "holdfast/engine/user_shard.hpp"

#include <algorithm>

namespace holdfast::engine {
namespace {

// What a buffered message takes beside its content: ids, strings' own storage, containers, allocator.
constexpr std::size_t kMessageOverhead = 512;

cache::Options share_of(cache::Options options, unsigned shards) {
  options.entries = std::max<std::size_t>(1, options.entries / shards);
  options.max_bytes /= shards;
  return options;
}

}  // namespace

UserShard::UserShard(const Parts& shared, unsigned index, unsigned shard_count, runtime::Executor runs_on,
                     metrics::ShardProbe& counts)
    : parts(shared),
      executor(runs_on),
      probe(counts),
      max_buffer_bytes(shared.options.max_buffer_bytes / shard_count),
      journal(shared.journal, index),
      table(shared),
      flush_loop(shared, runs_on, table, journal, counts),
      cache(share_of(shared.options.cache, shard_count), counts) {}

bool UserShard::has_room(std::size_t messages, std::size_t bytes) const {
  std::size_t held_items = messages, held_bytes = bytes;
  for (const auto stage :
       {metrics::Stage::round_buffer, metrics::Stage::hybrid_buffer, metrics::Stage::in_flight}) {
    const auto& counts = probe.stages[stage];
    held_items += counts.items_in.value() - counts.items_out.value();
    held_bytes += counts.bytes_in.value() - counts.bytes_out.value();
  }
  return held_bytes + held_items * kMessageOverhead <= max_buffer_bytes;
}

}  // namespace holdfast::engine
