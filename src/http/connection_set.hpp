// The connections of one shard: which there are, which are busy, and what their requests may take in memory.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <cstdint>
#include <set>
#include <unordered_map>
#include <utility>
#include <variant>

#include "holdfast/base/ids.hpp"
#include "holdfast/http/buffer_pool.hpp"
#include "holdfast/http/serving.hpp"
#include "holdfast/metrics/probes.hpp"
#include "holdfast/runtime/shard_set.hpp"

namespace holdfast::http {

using Stream = boost::beast::basic_stream<boost::asio::ip::tcp, runtime::Executor>;

// The connections of one shard; used on its thread.
class ConnectionSet {
 public:
  // shard_count: of all, for this one's share of the limits.
  // pool_bytes: of the process, too.
  ConnectionSet(runtime::Executor executor, metrics::ShardProbe& probe, unsigned shard_count,
                std::size_t pool_bytes, const memory::Pressure& pressure)
      : emptied_(executor),
        probe_(probe),
        shard_count_(shard_count),
        buffers_(pool_bytes / shard_count, pressure, probe) {}

  struct Entry {
    Stream* stream;
    bool busy = false;  // a request has been read and its reply not yet written
  };
  // Registers a connection for its lifetime.
  class Registration {
   public:
    Registration(ConnectionSet& set, Stream& stream);
    ~Registration();
    Registration(const Registration&) = delete;
    Registration& operator=(const Registration&) = delete;
    void set_busy(bool busy) { entry_.busy = busy; }

   private:
    ConnectionSet& set_;
    Entry entry_;
  };

  // Bytes of a request, taken from the shard's share of inflight_bytes before the body is read and given back
  // when it has been answered.
  class Reservation {
   public:
    Reservation(ConnectionSet& set, RouteKey user, std::uint64_t bytes)
        : set_(&set), user_(user), bytes_(bytes) {}
    Reservation(Reservation&& other) noexcept
        : set_(std::exchange(other.set_, nullptr)), user_(other.user_), bytes_(other.bytes_) {}
    Reservation& operator=(Reservation&&) = delete;
    ~Reservation();

   private:
    ConnectionSet* set_;
    RouteKey user_;
    std::uint64_t bytes_;
  };
  enum class NoRoom { for_user, for_anyone };
  // user: what the request says of whom it is for (0: nothing). A request that is alone always has room.
  std::variant<Reservation, NoRoom> reserve(RouteKey user, std::uint64_t bytes, const Serving& serving);

  bool closing() const { return closing_; }
  void close_idle();
  boost::asio::awaitable<std::size_t> wait_until_empty(SteadyTime deadline);
  metrics::ShardProbe& probe() { return probe_; }
  BufferPool& buffers() { return buffers_; }

 private:
  std::set<Entry*> entries_;
  boost::asio::steady_timer emptied_;
  metrics::ShardProbe& probe_;
  const unsigned shard_count_;
  BufferPool buffers_;
  std::uint64_t reserved_ = 0;
  std::unordered_map<RouteKey, std::uint64_t> reserved_by_user_;
  bool closing_ = false;
};

}  // namespace holdfast::http
