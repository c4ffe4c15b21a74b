// What of a journalled operation became a dead letter: it is not owed any more, though its acknowledgement
// may not have got into the journal before a crash. And what is done to a message after its insert has become
// one.
#pragma once

#include <string>
#include <vector>

#include "holdfast/buffer/session_buffer.hpp"
#include "holdfast/flush/dead_letters.hpp"
#include "holdfast/journal/record.hpp"
#include "holdfast/model/types.hpp"

namespace holdfast::engine {

// Takes out of the operation with this LSN what is a dead letter. False: nothing is left of it.
bool leave_out_dead(const flush::DeadLetters& letters, journal::Operation& operation, Lsn lsn);

// Those of the messages whose insert, older than this LSN, is a dead letter, as they would be inserted.
// Blocking.
std::vector<Message> dead_messages(const flush::DeadLetters& letters, const std::string& user_id,
                                   const std::vector<std::string>& ids, Lsn before);
// Does the operations to the letters that hold an older insert of their message. What cannot be read is
// logged and left alone. Error: a letter cannot be written. Blocking.
Result<void> change_dead(flush::DeadLetters& letters, const std::string& user_id,
                         const std::vector<buffer::StoreOperation>& operations);

}  // namespace holdfast::engine
