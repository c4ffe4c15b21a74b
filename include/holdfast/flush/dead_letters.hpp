// Operations that the store refuses for good, kept on disk until somebody retries or deletes them: one file
// each, in a directory of their own. Blocking; thread-safe.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "holdfast/base/bytes.hpp"
#include "holdfast/base/clock.hpp"
#include "holdfast/base/result.hpp"
#include "holdfast/io/file_system.hpp"
#include "holdfast/model/types.hpp"

namespace holdfast::flush {

struct DeadLetter {
  std::string id;  // made from LSN and message id: the same operation again is the same letter
  std::string user_id, session_id, message_id;
  std::string operation;  // "insert", "update" or "erase"
  std::string reason;     // what the store said
  std::uint64_t attempts = 0;
  Timestamp died_at{};
  std::uint8_t type = 0;  // of payload
  Bytes payload;          // the operation as its maker encodes it; empty in a list
};

std::string dead_letter_id(Lsn lsn, std::string_view message_id);

class DeadLetters {
 public:
  // Creates the directory (0700) where absent and reads what is there; files that are no letters are left
  // alone and logged. Errors: permanent, with the path.
  static Result<std::unique_ptr<DeadLetters>> open(io::FileSystem& files, io::Path dir);

  Result<void> put(const DeadLetter& letter);             // synced when it returns
  std::vector<DeadLetter> list(std::size_t limit) const;  // oldest first, without payload
  Result<std::optional<DeadLetter>> find(const std::string& id) const;
  bool contains(const std::string& id) const;
  // The ids of the letters that hold an insert of this message.
  std::vector<std::string> inserts_of(std::string_view user_id, std::string_view message_id) const;
  Result<bool> remove(const std::string& id);  // false: there is none
  // Removes those of an owner (&DeadLetter::user_id, …session_id). Error: of the first that cannot be
  // removed.
  Result<void> remove_of(std::string DeadLetter::*owner, std::string_view id);
  std::size_t count() const { return count_.load(std::memory_order_relaxed); }  // does not block

 private:
  DeadLetters(io::FileSystem& files, io::Path dir) : files_(files), dir_(std::move(dir)) {}
  Result<DeadLetter> read(const std::string& id) const;

  io::FileSystem& files_;
  const io::Path dir_;
  mutable std::mutex mutex_;
  std::map<std::string, DeadLetter> letters_;  // by id, without payload; guarded by mutex_
  std::atomic<std::size_t> count_{0};          // of letters_
};

}  // namespace holdfast::flush
