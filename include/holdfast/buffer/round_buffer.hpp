// The first stage of a session: rounds gather here until their tokens or their number reach a threshold. A
// pure state machine: no threads, no clock.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "holdfast/buffer/buffered_round.hpp"
#include "holdfast/buffer/options.hpp"
#include "holdfast/metrics/probes.hpp"

namespace holdfast::buffer {

using metrics::TransferReason;

struct Moved {  // a round that must go on to the hybrid buffer, and why
  TransferReason reason;
  BufferedRound round;
};

class RoundBuffer {
 public:
  // options must outlive the buffer.
  explicit RoundBuffer(const RoundBufferOptions& options) : options_(&options) {}

  // Takes a durable round and returns what must move on, oldest first. Everything held moves before the new
  // round is added when held + new tokens > max_tokens × auto_transfer_threshold (tokens) or max_rounds are
  // held (rounds). A round of more than max_tokens moves on itself, behind what was held (oversized).
  std::vector<Moved> add(BufferedRound round);

  // Everything held, oldest first.
  std::vector<Moved> take_all(TransferReason reason);

  std::vector<BufferedRound>& rounds() { return rounds_; }
  const std::vector<BufferedRound>& rounds() const { return rounds_; }
  std::size_t tokens() const;
  bool empty() const { return rounds_.empty(); }

 private:
  std::optional<TransferReason> must_move(const BufferedRound& round) const;

  const RoundBufferOptions* options_;
  std::vector<BufferedRound> rounds_;  // at most max_rounds, so plain erasure is cheap
};

}  // namespace holdfast::buffer
