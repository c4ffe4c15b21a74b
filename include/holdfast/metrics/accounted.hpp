// The memory that we count ourselves, from the probes: what the levels of memory::Watch are judged by beside
// what the kernel says.
#pragma once

#include <cstddef>
#include <cstdint>

#include "holdfast/metrics/probes.hpp"

namespace holdfast::metrics {

// What a buffered message takes beside its content: ids, strings' own storage, containers, allocator.
inline constexpr std::size_t kMessageOverhead = 512;

enum class Component : std::size_t {
  round_buffer,
  hybrid_buffer,
  in_flight,
  operations,
  idempotency_keys,  // with the answers they were given
  features,          // of buffered messages: terms and vectors
  query_cache,
  embedding_cache,
  item_cache,  // of the store
  journal,     // which records wait for the store
  requests,
  request_pool,  // kept for later requests
  count
};
std::string_view to_string(Component);

struct StageContents {
  std::uint64_t items = 0, bytes = 0;  // messages; bytes of their contents
};

// Of all shards, now. Any thread.
StageContents read_stage(const Probes& probes, Stage stage);

// Bytes by component, overhead included. A few relaxed loads a shard: any thread, as often as one likes.
PerLabel<Component, std::uint64_t> read_accounted(const Probes& probes);
std::uint64_t total(const PerLabel<Component, std::uint64_t>& accounted);
// What counts against the limit of the buffers (memory.max_buffer_mb).
std::uint64_t buffered(const PerLabel<Component, std::uint64_t>& accounted);

}  // namespace holdfast::metrics
