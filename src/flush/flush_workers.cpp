#include "holdfast/flush/flush_workers.hpp"

#include <pthread.h>
#include <sys/resource.h>

#include <algorithm>
#include <string>
#include <utility>

#include "holdfast/base/failpoint.hpp"
#include "holdfast/base/scheduling.hpp"
#include "holdfast/text/features.hpp"

namespace holdfast::flush {
namespace {

using metrics::TimedComponent;

// Requests before batches where they share a core: at 7,500 adds/s offered to one core p99 was 36 ms, 0
// refused; at equal priority 2.8 s, and a fifth failed. What piles up is bounded by the buffers' budget.
constexpr int kNice = 10;
// A worker's share of one transaction: enough batches that its one sync is spread thin, few enough that the
// others find work.
constexpr std::size_t kMaxJobsAWrite = 64;
// Contents, for each message that a write may hold: terms and vectors take several times their space.
constexpr std::size_t kBytesAMessage = 2048;

}  // namespace

FlushWorkers::FlushWorkers(const Options& options, store::MemoryStore& store, const text::Embedder& embedder,
                           const Clock& clock, const memory::Pressure& pressure, metrics::FlushProbe& probe)
    : options_(options),
      store_(store),
      embedder_(embedder),
      clock_(clock),
      pressure_(pressure),
      probe_(probe),
      queue_(options.queue_size, probe),
      write_began_(options.workers),
      working_(options.workers) {
  for (std::size_t i = 0; i < options.workers; ++i) {
    threads_.emplace_back([this, i] { run(i); });
    pthread_setname_np(threads_.back().native_handle(), ("flush-" + std::to_string(i)).c_str());
  }
}

FlushWorkers::~FlushWorkers() {
  stop();
}

void FlushWorkers::stop() {
  queue_.close();
  {
    const std::lock_guard lock(rest_mutex_);
    stopping_ = true;
  }
  rested_.notify_all();
  for (auto& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
}

void FlushWorkers::set_working(unsigned workers) {
  {
    const std::lock_guard lock(rest_mutex_);
    working_.store(std::clamp(workers, 1u, options_.workers), std::memory_order_relaxed);
  }
  rested_.notify_all();
}

void FlushWorkers::wait_for_turn(std::size_t worker) {
  if (worker < working()) return;
  std::unique_lock lock(rest_mutex_);
  rested_.wait(lock, [&] { return stopping_ || worker < working(); });
}

std::chrono::nanoseconds FlushWorkers::longest_write() const {
  const auto now = clock_.steady_now().time_since_epoch().count();
  std::int64_t longest = 0;
  for (const auto& began : write_began_) {
    const auto start = began.load(std::memory_order_relaxed);
    if (start != 0) longest = std::max(longest, now - start);
  }
  return std::chrono::nanoseconds{longest};
}

void FlushWorkers::run(std::size_t worker) {
  ::setpriority(PRIO_PROCESS, 0, kNice);  // of this thread alone (Linux)
  ask_for_short_slices();
  const auto most = std::max(options_.batch_write_threshold, kMaxJobsAWrite);
  for (;;) {
    wait_for_turn(worker);
    const auto messages = pressure_.batch_messages();
    auto jobs = queue_.pop(most, messages * kBytesAMessage, messages);
    if (jobs.empty()) return;
    write(std::move(jobs), worker);
  }
}

SteadyTime FlushWorkers::fill_features(store::SessionBatch& batch, SteadyTime began) {
  for (auto& operation : batch.operations) {
    const auto fill = [&](const std::string& content, text::SharedFeatures& features) {
      if (features) return;
      give_way();
      features = text::shared_features(content, embedder_, options_.chunking);
      const auto done = clock_.steady_now();
      probe_.components.record(TimedComponent::embedding, began, done);
      began = done;
    };
    if (auto* insert = std::get_if<store::InsertMessage>(&operation)) {
      fill(insert->message.content, insert->features);
    } else if (auto* update = std::get_if<store::UpdateMessage>(&operation)) {
      fill(update->content, update->features);
    }
  }
  return began;
}

void FlushWorkers::write(std::vector<Job> jobs, std::size_t worker) {
  const auto began = clock_.steady_now();
  probe_.busy_workers.add();
  write_began_[worker].store(std::max<std::int64_t>(1, began.time_since_epoch().count()),
                             std::memory_order_relaxed);
  std::vector<store::SessionBatch> batches;
  batches.reserve(jobs.size());
  auto prepared = began;
  for (auto& job : jobs) {
    prepared = fill_features(job.batch, prepared);
    batches.push_back(std::move(job.batch));
  }
  HOLDFAST_PASS("store_before_write");
  auto answers = store_.write(batches);
  HOLDFAST_PASS("store_committed");
  const auto answered = clock_.steady_now();
  const auto spent = static_cast<std::uint64_t>((answered - began).count());
  probe_.components.record(TimedComponent::store, prepared, answered);
  for (const auto& job : jobs) probe_.components.record(TimedComponent::flush, job.handed_over, answered);
  write_began_[worker].store(0, std::memory_order_relaxed);
  probe_.busy_workers.subtract(1);
  probe_.busy_ns.add(spent);
  probe_.write_ns_sum.add(spent);
  probe_.writes.add();
  for (std::size_t i = 0; i < jobs.size(); ++i) jobs[i].done(std::move(answers[i]));
}

}  // namespace holdfast::flush
