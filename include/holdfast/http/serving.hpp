// What of the configuration the HTTP side uses and a reload may change: one immutable snapshot, which a
// request keeps from its header to its answer.
#pragma once

#include <atomic>
#include <boost/asio/ssl/context.hpp>
#include <memory>
#include <utility>

#include "holdfast/http/access_keys.hpp"
#include "holdfast/http/options.hpp"

namespace holdfast::http {

// In which order the results of a query are shown (the best are chosen by score in any case).
struct ResultOrder {
  bool by_timestamp = false;
  bool descending = true;
};

struct Serving {
  Limits limits;
  double user_share = 0.25;  // of limits.inflight_bytes that one user's requests may have
  ResultOrder result_order;
  std::shared_ptr<const AccessKeys> keys;          // none: nobody is asked for a key
  std::shared_ptr<boost::asio::ssl::context> tls;  // none: plain HTTP
};

// Any thread.
class LiveServing {
 public:
  explicit LiveServing(std::shared_ptr<const Serving> now) : now_(std::move(now)) {}
  std::shared_ptr<const Serving> get() const { return now_.load(); }
  void set(std::shared_ptr<const Serving> next) { now_.store(std::move(next)); }

 private:
  std::atomic<std::shared_ptr<const Serving>> now_;
};

}  // namespace holdfast::http
