// Storage for request bodies, used again: of one shard, on its thread.
//
// Each body of kLeastBytes or more is a lease. Given back, its storage is kept for the next, as long as all
// that is kept stays within the limit (memory.pool_size); while memory is critical nothing is. A smaller body
// costs the allocator less than it would cost the pool.
//
// Counted in the shard's probe: leases, of these with used storage; bytes leased by their announced size,
// now and at most; bytes kept.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "holdfast/memory/pressure.hpp"
#include "holdfast/metrics/probes.hpp"

namespace holdfast::http {

class BufferPool {
 public:
  static constexpr std::size_t kLeastBytes = 16u << 10;

  // Both references must outlive the pool; the pool all leases.
  BufferPool(std::size_t max_idle_bytes, const memory::Pressure& pressure, metrics::ShardProbe& probe)
      : max_idle_bytes_(max_idle_bytes), pressure_(pressure), probe_(probe) {}

  class Lease {
   public:
    Lease() = default;
    explicit Lease(std::string text) : text_(std::move(text)) {}  // of no pool
    Lease(Lease&& other) noexcept
        : pool_(std::exchange(other.pool_, nullptr)),
          announced_(other.announced_),
          text_(std::move(other.text_)) {}
    Lease& operator=(Lease&& other) noexcept;
    ~Lease() { end(); }

    std::string& text() { return text_; }
    const std::string& text() const { return text_; }
    operator std::string_view() const { return text_; }

   private:
    friend class BufferPool;
    Lease(BufferPool& pool, std::size_t announced, std::string text)
        : pool_(&pool), announced_(announced), text_(std::move(text)) {}
    void end();

    BufferPool* pool_ = nullptr;
    std::size_t announced_ = 0;
    std::string text_;
  };

  // When a request comes, whether or not it is served.
  void drop_idle_where_critical();
  // An empty text, with storage for announced bytes where some of that size is kept.
  Lease lease(std::size_t announced);

 private:
  void give_back(std::size_t announced, std::string text);
  void publish();

  const std::size_t max_idle_bytes_;
  const memory::Pressure& pressure_;
  metrics::ShardProbe& probe_;
  std::multimap<std::size_t, std::string> idle_;  // by capacity
  std::size_t idle_bytes_ = 0, used_bytes_ = 0;
};

}  // namespace holdfast::http
