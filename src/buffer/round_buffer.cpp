#include "holdfast/buffer/round_buffer.hpp"

#include <numeric>
#include <utility>

namespace holdfast::buffer {

std::size_t BufferedRound::tokens() const {
  return std::accumulate(
      messages.begin(), messages.end(), std::size_t{0},
      [](std::size_t sum, const BufferedMessage& held) { return sum + held.message.tokens; });
}

std::size_t BufferedRound::bytes() const {
  return std::accumulate(
      messages.begin(), messages.end(), std::size_t{0},
      [](std::size_t sum, const BufferedMessage& held) { return sum + text_bytes(held.message); });
}

std::size_t RoundBuffer::tokens() const {
  return std::accumulate(rounds_.begin(), rounds_.end(), std::size_t{0},
                         [](std::size_t sum, const BufferedRound& held) { return sum + held.tokens(); });
}

std::optional<TransferReason> RoundBuffer::must_move(const BufferedRound& round) const {
  const double limit = static_cast<double>(options_->max_tokens) * options_->auto_transfer_threshold;
  if (static_cast<double>(tokens() + round.tokens()) > limit) return TransferReason::tokens;
  if (rounds_.size() >= options_->max_rounds) return TransferReason::rounds;
  return std::nullopt;
}

std::vector<Moved> RoundBuffer::add(BufferedRound round) {
  std::vector<Moved> moved;
  if (const auto reason = must_move(round)) moved = take_all(*reason);
  if (round.tokens() > options_->max_tokens) {
    moved.push_back({TransferReason::oversized, std::move(round)});
  } else {
    rounds_.push_back(std::move(round));
  }
  return moved;
}

std::vector<Moved> RoundBuffer::take_all(TransferReason reason) {
  std::vector<Moved> moved;
  moved.reserve(rounds_.size() + 1);
  for (auto& round : rounds_) moved.push_back({reason, std::move(round)});
  rounds_.clear();
  return moved;
}

}  // namespace holdfast::buffer
