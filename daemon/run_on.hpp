// Runs work on an executor and waits for its result; not to be called on that executor's own thread.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>
#include <utility>

#include "holdfast/runtime/shard_set.hpp"

namespace holdfast {

template <class T>
T run_on(runtime::Executor executor, boost::asio::awaitable<T> work) {
  return boost::asio::co_spawn(executor, std::move(work), boost::asio::use_future).get();
}

}  // namespace holdfast
