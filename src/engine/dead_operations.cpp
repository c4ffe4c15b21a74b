#include "holdfast/engine/dead_operations.hpp"

#include <string>
#include <variant>
#include <vector>

namespace holdfast::engine {

bool leave_out_dead(const flush::DeadLetters& letters, journal::Operation& operation, Lsn lsn) {
  const auto is_dead = [&](const std::string& id) {
    return letters.contains(flush::dead_letter_id(lsn, id));
  };
  const auto leave_out = [&](auto& parts, auto id_of) {
    if (letters.count() > 0) std::erase_if(parts, [&](const auto& part) { return is_dead(id_of(part)); });
    return !parts.empty();
  };
  const auto id = [](const auto& part) -> const std::string& { return part.id; };
  if (auto* append = std::get_if<journal::AppendRecord>(&operation))
    return leave_out(append->round.messages, id);
  if (auto* update = std::get_if<journal::UpdateRecord>(&operation)) return leave_out(update->changes, id);
  return leave_out(std::get<journal::EraseRecord>(operation).message_ids,
                   [](const std::string& message_id) -> const std::string& { return message_id; });
}

Result<std::vector<Message>> dead_messages(const flush::DeadLetters& letters, const std::string& user_id,
                                           const std::vector<std::string>& ids) {
  std::vector<Message> messages;
  for (const auto& message_id : ids) {
    for (const auto& id : letters.inserts_of(user_id, message_id)) {
      const auto letter = letters.find(id);
      if (!letter) return letter.error();
      if (!*letter) continue;
      auto insert = journal::decode(journal::RecordType::append, (*letter)->payload);
      if (!insert) return insert.error();
      messages.push_back(std::get<journal::AppendRecord>(*insert).round.messages.front());
    }
  }
  return messages;
}

Result<void> change_dead(flush::DeadLetters& letters, const std::string& user_id,
                         const std::vector<buffer::StoreOperation>& operations) {
  for (const auto& operation : operations) {
    const auto* change = std::get_if<buffer::Change>(&operation.what);
    for (const auto& id : letters.inserts_of(user_id, operation.id())) {
      if (!change) {
        if (const auto removed = letters.remove(id); !removed) return removed.error();
        continue;
      }
      auto letter = letters.find(id);
      if (!letter) return letter.error();
      if (!*letter) continue;
      auto insert = journal::decode(journal::RecordType::append, (*letter)->payload);
      if (!insert) return insert.error();
      std::get<journal::AppendRecord>(*insert).round.messages = {change->message};
      (*letter)->payload = journal::encode(*insert);
      if (auto done = letters.put(**letter); !done) return done;
    }
  }
  return {};
}

}  // namespace holdfast::engine
