#pragma once

#include <cstddef>

namespace holdfast::transfer {

// Of imports and exports: streams of any length in memory of a fixed size.
struct Options {
  std::size_t chunk_size = 1000;              // messages in one transaction or request
  std::size_t buffer_size = 1u << 20;         // bytes of one read from or write to a file
  std::size_t max_concurrent = 4;             // threads that prepare messages for the store
  double backpressure_threshold = 0.8;        // share of operation_limit at which reading waits for the store
  std::size_t operation_limit = 100'000'000;  // bytes of all messages under way
  std::size_t micro_batch = 25;               // messages a thread takes at a time
  std::size_t max_message_bytes = 256u << 10;  // content and metadata
};

}  // namespace holdfast::transfer
