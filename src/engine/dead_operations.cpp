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

}  // namespace holdfast::engine
