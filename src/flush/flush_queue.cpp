#include "holdfast/flush/flush_queue.hpp"

#include <algorithm>
#include <utility>

namespace holdfast::flush {

bool FlushQueue::reserve() {
  auto places = places_.load(std::memory_order_relaxed);
  do {
    if (places >= max_jobs_) return false;
  } while (!places_.compare_exchange_weak(places, places + 1, std::memory_order_relaxed));
  return true;
}

void FlushQueue::release() {
  places_.fetch_sub(1, std::memory_order_relaxed);
}

void FlushQueue::push(Job job) {
  {
    const std::lock_guard lock(mutex_);
    jobs_[static_cast<std::size_t>(job.priority)].push_back(std::move(job));
  }
  probe_.queued.add();
  ready_.notify_one();
}

namespace {

std::size_t bytes_of(const store::SessionBatch& batch) {
  std::size_t sum = 0;
  for (const auto& operation : batch.operations) {
    if (const auto* insert = std::get_if<store::InsertMessage>(&operation)) {
      sum += text_bytes(insert->message);
    } else if (const auto* update = std::get_if<store::UpdateMessage>(&operation)) {
      sum += update->content.size() + update->metadata.size();
    }
  }
  return sum;
}

}  // namespace

std::vector<Job> FlushQueue::pop(std::size_t max_jobs, std::size_t max_bytes, std::size_t max_operations) {
  std::size_t bytes = 0, operations = 0;
  std::vector<Job> taken;
  std::unique_lock lock(mutex_);
  const auto has_work = [this] {
    return std::any_of(jobs_.begin(), jobs_.end(), [](const auto& jobs) { return !jobs.empty(); });
  };
  ready_.wait(lock, [&] { return closed_ || has_work(); });
  for (auto& jobs : jobs_) {
    while (!jobs.empty() && taken.size() < max_jobs && bytes < max_bytes && operations < max_operations) {
      bytes += bytes_of(jobs.front().batch);
      operations += jobs.front().batch.operations.size();
      taken.push_back(std::move(jobs.front()));
      jobs.pop_front();
    }
  }
  places_.fetch_sub(taken.size(), std::memory_order_relaxed);
  probe_.taken.add(taken.size());
  return taken;
}

void FlushQueue::close() {
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
  }
  ready_.notify_all();
}

}  // namespace holdfast::flush
