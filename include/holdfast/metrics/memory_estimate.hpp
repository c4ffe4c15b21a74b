// What the process takes of resident memory, estimated: the seed's formula (round buffer + hybrid buffer +
// query cache), over all components.
//
//   resident = kProgramBytes
//            + kStoreBytes, once the store has written or searched
//            + buffered messages * kMessageBytes + bytes of their contents * kContentFactor
//            + bytes of the query cache * kCacheFactor
//            + bytes of the other components (metrics/accounted.hpp)
//
// Source of the constants: tests/memory_report/run --tables estimate (2026-11-23, g++ 12, jemalloc 5.3). It
// prints the fit, and how far estimated_bytes of /api/v1/buffer/memory is off what is resident.
#pragma once

#include <cstdint>

#include "holdfast/metrics/accounted.hpp"

namespace holdfast::metrics {

inline constexpr double kProgramBytes = 28.4e6;  // code, vocabularies, word vectors, threads, all used once
inline constexpr double kStoreBytes = 10e6;      // its connections' pages
inline constexpr double kMessageBytes = 330;     // beside the content
inline constexpr double kContentFactor = 1.22;
inline constexpr double kCacheFactor = 1.1;
// Of the buffers' limit, what is computed of buffered messages (engine/buffered_features.hpp) may take.
inline constexpr double kFeaturesShare = 0.125;
// And the answers kept with idempotency keys (engine/idempotency_keys.hpp).
inline constexpr double kKeysShare = 0.0625;

// As it is now. Any thread; as cheap as read_accounted().
std::uint64_t estimate_resident(const Probes& probes);

// What has a limit, in bytes.
struct Bounds {
  std::uint64_t buffers = 0;  // memory.max_buffer_mb, as it is in force
  std::uint64_t query_cache = 0, embedding_cache = 0, item_cache = 0;
  std::uint64_t requests = 0;  // server.limits.inflight_bytes
  std::uint64_t request_pool = 0;
};
// Everything at its limit: more than the levels of memory pressure let it come to.
std::uint64_t estimate_peak(const Bounds& bounds);

}  // namespace holdfast::metrics
