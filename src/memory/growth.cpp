#include "holdfast/memory/growth.hpp"

namespace holdfast::memory {
namespace {

constexpr int kSamples = 64;
constexpr double kDay = 86'400;

}  // namespace

void Growth::add(SteadyTime now, std::uint64_t bytes) {
  latest_ = static_cast<double>(bytes);
  const auto spacing = std::chrono::duration_cast<SteadyTime::duration>(covers_) / kSamples;
  if (!samples_.empty() && now - samples_.back().at < spacing) return;
  samples_.push_back({now, latest_});
  while (now - samples_.front().at > covers_) samples_.pop_front();
}

std::optional<double> Growth::bytes_a_second() const {
  if (samples_.size() < 3 || samples_.back().at - samples_.front().at < covers_ / 2) return std::nullopt;
  const auto origin = samples_.front().at;
  const auto seconds = [&](const Sample& sample) {
    return std::chrono::duration<double>(sample.at - origin).count();
  };
  double mean_time = 0, mean_bytes = 0;
  const auto count = static_cast<double>(samples_.size());
  for (const auto& sample : samples_) {
    mean_time += seconds(sample) / count;
    mean_bytes += sample.bytes / count;
  }
  double together = 0, alone = 0;
  for (const auto& sample : samples_) {
    const auto offset = seconds(sample) - mean_time;
    together += offset * (sample.bytes - mean_bytes);
    alone += offset * offset;
  }
  return together / alone;
}

std::optional<double> Growth::seconds_until(std::uint64_t limit) const {
  const auto left = static_cast<double>(limit) - latest_;
  if (left <= 0) return 0.0;
  const auto rate = bytes_a_second();
  if (!rate || *rate <= 0 || left / *rate > kDay) return std::nullopt;
  return left / *rate;
}

}  // namespace holdfast::memory
