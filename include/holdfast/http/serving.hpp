// What of the configuration the HTTP side uses and a reload may change: one immutable snapshot, which a
// request keeps from its header to its answer.
#pragma once

#include <boost/asio/ssl/context.hpp>
#include <memory>
#include <utility>

#include "holdfast/base/snapshot.hpp"
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

using LiveServing = Snapshot<Serving>;

}  // namespace holdfast::http
