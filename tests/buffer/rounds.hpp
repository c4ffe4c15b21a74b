// Makes rounds for the buffer tests.
#pragma once

#include <string>
#include <vector>

#include "holdfast/buffer/buffered_round.hpp"

namespace holdfast::buffer {

// A round of one message "m<lsn>" with that LSN.
inline BufferedRound round_of(Lsn lsn, std::uint32_t tokens = 1, SteadyTime added = {}) {
  BufferedRound round;
  round.lsn = lsn;
  round.added = added;
  BufferedMessage held;
  held.message.id = "m" + std::to_string(lsn);
  held.message.content = "text " + std::to_string(lsn);
  held.message.seq = lsn;
  held.message.tokens = tokens;
  held.lsn = lsn;
  round.messages.push_back(held);
  return round;
}

}  // namespace holdfast::buffer
