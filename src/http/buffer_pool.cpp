#include "holdfast/http/buffer_pool.hpp"

#include <algorithm>

namespace holdfast::http {

BufferPool::Lease& BufferPool::Lease::operator=(Lease&& other) noexcept {
  if (this == &other) return *this;
  end();
  pool_ = std::exchange(other.pool_, nullptr);
  announced_ = other.announced_;
  text_ = std::move(other.text_);
  return *this;
}

void BufferPool::Lease::end() {
  if (auto* pool = std::exchange(pool_, nullptr)) pool->give_back(announced_, std::move(text_));
}

void BufferPool::drop_idle_where_critical() {
  if (idle_bytes_ == 0 || pressure_.level() < memory::Level::critical) return;
  idle_.clear();
  idle_bytes_ = 0;
  publish();
}

BufferPool::Lease BufferPool::lease(std::size_t announced) {
  if (announced < kLeastBytes) return {};
  std::string text;
  probe_.pool_taken.add();
  if (const auto kept = idle_.lower_bound(announced); kept != idle_.end()) {
    probe_.pool_reused.add();
    idle_bytes_ -= kept->first;
    text = std::move(idle_.extract(kept).mapped());
  }
  used_bytes_ += announced;
  publish();
  return Lease(*this, announced, std::move(text));
}

void BufferPool::give_back(std::size_t announced, std::string text) {
  used_bytes_ -= announced;
  if (const auto bytes = text.capacity(); bytes >= kLeastBytes && idle_bytes_ + bytes <= max_idle_bytes_) {
    text.clear();
    idle_.emplace(bytes, std::move(text));
    idle_bytes_ += bytes;
  }
  publish();
  drop_idle_where_critical();
}

void BufferPool::publish() {
  probe_.pool_used_bytes.set(used_bytes_);
  probe_.pool_idle_bytes.set(idle_bytes_);
  probe_.pool_most_used_bytes.set(std::max<std::uint64_t>(probe_.pool_most_used_bytes.value(), used_bytes_));
}

}  // namespace holdfast::http
