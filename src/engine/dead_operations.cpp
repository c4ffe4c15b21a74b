#include "holdfast/engine/dead_operations.hpp"

#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "holdfast/base/log.hpp"

namespace holdfast::engine {

namespace {

// A letter's id begins with the LSN of the record that brought its message.
bool is_older(const std::string& letter_id, Lsn lsn) {
  return letter_id < flush::dead_letter_id(lsn, {}).substr(0, 16);
}

struct DeadInsert {
  flush::DeadLetter letter;
  journal::AppendRecord insert;
};
std::optional<DeadInsert> read_insert(const flush::DeadLetters& letters, const std::string& id) {
  auto letter = letters.find(id);
  if (letter && !*letter) return std::nullopt;  // gone meanwhile
  auto operation = letter ? journal::decode(journal::RecordType::append, (*letter)->payload)
                          : Result<journal::Operation>(letter.error());
  if (!operation) {
    log::error("dead letter {} cannot be read: {}", id, operation.error().message);
    return std::nullopt;
  }
  return DeadInsert{std::move(**letter), std::move(std::get<journal::AppendRecord>(*operation))};
}

}  // namespace

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

std::vector<Message> dead_messages(const flush::DeadLetters& letters, const std::string& user_id,
                                   const std::vector<std::string>& ids, Lsn before) {
  std::vector<Message> messages;
  for (const auto& message_id : ids) {
    for (const auto& id : letters.inserts_of(user_id, message_id)) {
      if (!is_older(id, before)) continue;
      if (auto dead = read_insert(letters, id))
        messages.push_back(std::move(dead->insert.round.messages.front()));
    }
  }
  return messages;
}

Result<void> change_dead(flush::DeadLetters& letters, const std::string& user_id,
                         const std::vector<buffer::StoreOperation>& operations) {
  for (const auto& operation : operations) {
    const auto* change = std::get_if<buffer::Change>(&operation.what);
    for (const auto& id : letters.inserts_of(user_id, operation.id())) {
      if (!is_older(id, operation.lsn)) continue;  // the message was added again since
      auto dead = read_insert(letters, id);
      if (!dead) continue;
      if (!change) {
        if (const auto removed = letters.remove(id); !removed) return removed.error();
        continue;
      }
      dead->insert.round.messages = {change->message};
      dead->letter.payload = journal::encode(dead->insert);
      if (auto done = letters.put(dead->letter); !done) return done;
    }
  }
  return {};
}

}  // namespace holdfast::engine
