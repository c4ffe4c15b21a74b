#include "holdfast/runtime/shard_set.hpp"

#include <pthread.h>
#include <sched.h>

#include <algorithm>
#include <string>

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
    threads_.emplace_back([this, i] { contexts_[i]->run(); });
    pthread_setname_np(threads_.back().native_handle(), ("shard-" + std::to_string(i)).c_str());
  }
}

void ShardSet::stop() {
  guards_.clear();
  for (auto& thread : threads_) thread.join();
  threads_.clear();
}

unsigned default_shard_count() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof(set), &set) != 0) return 1;
  return static_cast<unsigned>(std::clamp(CPU_COUNT(&set), 1, 16));
}

}  // namespace holdfast::runtime
