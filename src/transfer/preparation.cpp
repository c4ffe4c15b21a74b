#include "preparation.hpp"

#include <pthread.h>

#include <utility>

#include "holdfast/base/allocator.hpp"

namespace holdfast::transfer {
namespace {

constexpr std::size_t kPortionsAThread = 3;
// A micro-batch of long lines ends early.
constexpr std::size_t kMaxPortionBytes = 64u << 10;
// What a line takes while it is under way, its text, terms and vectors: estimated at 6 for short messages and
// 8 for long ones, times its bytes.
constexpr std::size_t kSpread = 8;

}  // namespace

Preparation::Preparation(LineReader& reader, const Options& options, Prepare prepare)
    : reader_(reader),
      options_(options),
      prepare_(std::move(prepare)),
      most_bytes_(static_cast<std::size_t>(static_cast<double>(options.operation_limit) *
                                           options.backpressure_threshold)) {
  for (std::size_t i = 0; i < options.max_concurrent; ++i) {
    threads_.emplace_back([this] {
      share_first_arena();
      work();
    });
    pthread_setname_np(threads_.back().native_handle(), ("prepare-" + std::to_string(i)).c_str());
  }
}

Preparation::~Preparation() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  given_.notify_all();
  for (auto& thread : threads_) thread.join();
}

Result<std::optional<MicroBatch>> Preparation::next() {
  bytes_ -= std::exchange(given_bytes_, 0);
  if (auto read = read_ahead(); !read) return read.error();
  if (under_way_.empty()) return std::optional<MicroBatch>{};
  {
    std::unique_lock lock(mutex_);
    done_.wait(lock, [&] { return under_way_.front()->done; });
  }
  auto portion = std::move(under_way_.front());
  under_way_.pop_front();
  given_bytes_ = portion->bytes;
  return std::optional(std::move(portion->prepared));
}

Result<void> Preparation::read_ahead() {
  while (!at_end_ && under_way_.size() < kPortionsAThread * options_.max_concurrent &&
         (under_way_.empty() || bytes_ < most_bytes_)) {
    const auto read = read_portion();
    if (!read) return read.error();
    at_end_ = !*read;
  }
  return {};
}

Result<bool> Preparation::read_portion() {
  auto portion = std::make_unique<Portion>();
  std::size_t bytes = 0;
  bool more = true;
  while (portion->raw.size() < options_.micro_batch && bytes < kMaxPortionBytes) {
    auto line = reader_.next();
    if (!line) return line.error();
    more = line->has_value();
    if (!more) break;
    bytes += (*line)->text.size();
    portion->prepared.end = {(*line)->number, (*line)->end};
    portion->raw.push_back(std::move(**line));
  }
  if (portion->raw.empty()) return false;
  portion->bytes = bytes * kSpread;
  bytes_ += portion->bytes;
  under_way_.push_back(std::move(portion));
  {
    const std::lock_guard lock(mutex_);
    waiting_.push_back(under_way_.back().get());
  }
  given_.notify_one();
  return more;
}

void Preparation::work() {
  for (;;) {
    Portion* portion = nullptr;
    {
      std::unique_lock lock(mutex_);
      given_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
      if (stopping_) return;
      portion = waiting_.front();
      waiting_.pop_front();
    }
    for (auto& line : portion->raw) {
      if (line.text.empty() && !line.too_long) continue;
      portion->prepared.lines.push_back(prepare_(std::move(line)));
    }
    portion->raw = {};
    {
      const std::lock_guard lock(mutex_);
      portion->done = true;
    }
    done_.notify_one();
  }
}

}  // namespace holdfast::transfer
