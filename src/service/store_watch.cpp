#include "holdfast/service/store_watch.hpp"

namespace holdfast::service {

void StoreWatch::ask() {
  {
    const std::lock_guard lock(mutex_);
    if (state_.unanswered_since) return;
    state_.unanswered_since = clock_.steady_now();
  }
  if (pool_.submit([this] { answer(); })) return;
  const std::lock_guard lock(mutex_);
  state_.unanswered_since.reset();
}

void StoreWatch::answer() {
  const auto began = clock_.steady_now();
  auto counts = store_.counts();
  const auto now = clock_.steady_now();
  const std::lock_guard lock(mutex_);
  state_.asked = true;
  state_.took = std::chrono::duration_cast<std::chrono::milliseconds>(now - began);
  state_.unanswered_since.reset();
  state_.error = counts ? std::string() : counts.error().message;
  if (!counts) return;
  state_.counts = *counts;
  state_.counted_at = clock_.now();
}

StoreWatch::State StoreWatch::state() const {
  const std::lock_guard lock(mutex_);
  return state_;
}

}  // namespace holdfast::service
