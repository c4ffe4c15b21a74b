// CPU time by kind of thread, from the clock that the kernel keeps for each. Threads are told apart by their
// names (shard-0, journal, flush-1, store-2, compute-0 …). Stateless; any thread; some 10 µs a thread,
// because the names are read from /proc.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "holdfast/metrics/probes.hpp"

namespace holdfast::metrics {

enum class ThreadClass : std::size_t {
  shard,
  journal,
  flush,
  pool,  // store and compute: what blocks or would hold a shard up
  other,
  count
};
std::string_view to_string(ThreadClass);

struct ThreadUsage {
  struct Class {
    unsigned threads = 0;
    std::uint64_t cpu_ns = 0;  // of the threads that live, since each began
  };
  PerLabel<ThreadClass, Class> classes;
  std::vector<std::uint64_t> shard_cpu_ns;  // by shard
};

// Of this process. A thread that ends meanwhile is left out.
ThreadUsage read_thread_usage();

}  // namespace holdfast::metrics
