#include "holdfast/runtime/shard_set.hpp"

#include <pthread.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "holdfast/base/cpus.hpp"
#include "holdfast/base/scheduling.hpp"

namespace holdfast::runtime {

ShardSet::ShardSet(unsigned count) {
  for (unsigned i = 0; i < count; ++i) contexts_.push_back(std::make_unique<asio::io_context>(1));
}

ShardSet::~ShardSet() {
  stop();
}

void ShardSet::start() {
  for (unsigned i = 0; i < size(); ++i) {
    guards_.push_back(asio::make_work_guard(*contexts_[i]));
    threads_.emplace_back([this, i] {
      ask_for_short_slices();
      contexts_[i]->run();
    });
    pthread_setname_np(threads_.back().native_handle(), ("shard-" + std::to_string(i)).c_str());
  }
}

void ShardSet::stop() {
  guards_.clear();
  for (auto& thread : threads_) thread.join();
  threads_.clear();
}

unsigned default_shard_count() {
  return static_cast<unsigned>(std::clamp(std::ceil(usable_cpus()), 1.0, 16.0));
}

}  // namespace holdfast::runtime
