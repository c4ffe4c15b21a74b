// What of a journalled operation became a dead letter: it is not owed any more, though its acknowledgement
// may not have got into the journal before a crash.
#pragma once

#include "holdfast/flush/dead_letters.hpp"
#include "holdfast/journal/record.hpp"
#include "holdfast/model/types.hpp"

namespace holdfast::engine {

// Takes out of the operation with this LSN what is a dead letter. False: nothing is left of it.
bool leave_out_dead(const flush::DeadLetters& letters, journal::Operation& operation, Lsn lsn);

}  // namespace holdfast::engine
