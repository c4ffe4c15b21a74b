// A round while it is in memory and not yet in the store, with what its acknowledgement to the journal needs.
#pragma once

#include <cstddef>
#include <vector>

#include "holdfast/base/clock.hpp"
#include "holdfast/model/types.hpp"

namespace holdfast::buffer {

struct BufferedMessage {
  Message message;
  Lsn lsn = 0;  // of the last operation on it
};

struct BufferedRound {
  std::vector<BufferedMessage> messages;  // never empty
  Lsn lsn = 0;                            // of the record that brought it
  std::vector<Lsn> change_lsns;  // of changes made to its messages here; acknowledged together with lsn
  SteadyTime added{};            // when it became durable here
  SteadyTime moved{};            // when it entered the hybrid buffer
  bool maybe_stored = false;     // replayed: the run before may have stored it and not got to note that

  std::size_t tokens() const;
  std::size_t bytes() const;  // of its messages' texts
};

}  // namespace holdfast::buffer
