#include "batch_in_flight.hpp"

#include <algorithm>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <variant>

#include "holdfast/journal/record.hpp"

namespace holdfast::engine {

store::SessionBatch to_store_batch(const SessionState& session) {
  const auto& batch = *session.buffer.in_flight();
  const auto lsns = batch.lsns();
  store::SessionBatch out;
  out.id = session.session.id + ":" + std::to_string(lsns.empty() ? 0 : lsns.front());
  out.user_id = session.session.user_id;
  out.session_id = session.session.id;
  for (const auto& operation : batch.operations) {
    if (const auto* change = std::get_if<buffer::Change>(&operation.what)) {
      const auto& to = change->message;
      out.operations.push_back(
          store::UpdateMessage{to.id, to.role, to.content, to.metadata, to.updated_at, operation.lsn, {}});
    } else {
      out.operations.push_back(store::EraseMessage{std::string(operation.id()), operation.lsn});
    }
  }
  for (const auto& round : batch.rounds) {
    for (const auto& held : round.messages) {
      out.last_seq = std::max(out.last_seq, held.message.seq);
      out.operations.push_back(store::InsertMessage{held.message, held.lsn, {}});
    }
  }
  return out;
}

void add_known_features(const SessionState& session, const UserState& user, store::SessionBatch& batch) {
  if (user.features.empty()) return;
  std::unordered_map<std::string_view, const Message*> current;
  session.buffer.for_each(
      [&](metrics::Stage, const Message& message) { current.emplace(message.id, &message); });
  const auto add = [&](const std::string& id, const std::string& content, text::SharedFeatures& features) {
    const auto message = current.find(id);
    if (message != current.end() && message->second->content == content) features = user.features.find(id);
  };
  for (auto& operation : batch.operations) {
    if (auto* insert = std::get_if<store::InsertMessage>(&operation)) {
      add(insert->message.id, insert->message.content, insert->features);
    } else if (auto* update = std::get_if<store::UpdateMessage>(&operation)) {
      add(update->id, update->content, update->features);
    }
  }
}

flush::DeadLetter letter_for(const SessionState& session, std::size_t index) {
  const auto& batch = *session.buffer.in_flight();
  const auto& user_id = session.session.user_id;
  const auto& session_id = session.session.id;
  flush::DeadLetter letter;
  const auto fill = [&](Lsn lsn, std::string_view message_id, const char* name,
                        const journal::Operation& what) {
    letter.id = flush::dead_letter_id(lsn, message_id);
    letter.user_id = user_id;
    letter.session_id = session_id;
    letter.message_id = message_id;
    letter.operation = name;
    letter.type = static_cast<std::uint8_t>(journal::type_of(what));
    letter.payload = journal::encode(what);
  };
  if (index < batch.operations.size()) {
    const auto& operation = batch.operations[index];
    if (const auto* change = std::get_if<buffer::Change>(&operation.what)) {
      const auto& to = change->message;
      fill(operation.lsn, to.id, "update",
           journal::UpdateRecord{
               user_id, session_id, to.updated_at, {{to.id, to.role, to.content, to.metadata}}});
    } else {
      const std::string id(operation.id());
      fill(operation.lsn, id, "erase", journal::EraseRecord{user_id, session_id, {id}});
    }
    return letter;
  }
  index -= batch.operations.size();
  for (const auto& round : batch.rounds) {
    if (index >= round.messages.size()) {
      index -= round.messages.size();
      continue;
    }
    const auto& held = round.messages[index];
    journal::AppendRecord record;
    record.user_id = user_id;
    record.round.session_id = session_id;
    record.round.messages = {held.message};
    fill(round.lsn, held.message.id, "insert", record);  // as the record that brings it back is known by
    break;
  }
  return letter;
}

}  // namespace holdfast::engine
