#pragma once

#include <chrono>
#include <cstddef>

namespace holdfast::cache {

struct Options {
  std::size_t entries = 100;               // cache_size: entries of the whole process, 10…100000
  std::size_t max_bytes = 64u << 20;       // of the whole process
  std::size_t results_per_entry = 15;      // max_size: a larger top_k is searched past the cache
  std::chrono::milliseconds ttl{300'000};  // absolute age limit; 0 switches the cache off
};

}  // namespace holdfast::cache
