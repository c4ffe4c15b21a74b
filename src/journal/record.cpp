#include "holdfast/journal/record.hpp"

namespace holdfast::journal {
namespace {

void put_time(ByteWriter& out, Timestamp time) {
  out.integer<std::int64_t>(time.time_since_epoch().count());
}

Timestamp get_time(ByteReader& in) {
  return Timestamp{std::chrono::microseconds{in.integer<std::int64_t>()}};
}

void put_message(ByteWriter& out, const Message& message) {
  out.text(message.id);
  out.integer(static_cast<std::uint8_t>(message.role));
  out.text(message.content);
  put_time(out, message.created_at);
  put_time(out, message.updated_at);
  out.integer(message.seq);
  out.text(message.metadata);
  out.integer(message.tokens);
}

Role get_role(ByteReader& in) {
  return static_cast<Role>(in.integer<std::uint8_t>());
}

bool is_role(Role role) {
  return role <= Role::developer;
}

Message get_message(ByteReader& in, const std::string& session_id) {
  Message message;
  message.session_id = session_id;
  message.id = in.text();
  message.role = get_role(in);
  message.content = in.text();
  message.created_at = get_time(in);
  message.updated_at = get_time(in);
  message.seq = in.integer<std::uint64_t>();
  message.metadata = in.text();
  message.tokens = in.integer<std::uint32_t>();
  return message;
}

Bytes encode_append(const AppendRecord& record) {
  Bytes bytes;
  ByteWriter out(bytes);
  out.text(record.user_id);
  out.text(record.round.session_id);
  out.text(record.idempotency_key);
  out.integer(record.request_hash);
  put_time(out, record.accepted_at);
  out.integer(static_cast<std::uint32_t>(record.round.messages.size()));
  for (const auto& message : record.round.messages) put_message(out, message);
  return bytes;
}

Bytes encode_update(const UpdateRecord& record) {
  Bytes bytes;
  ByteWriter out(bytes);
  out.text(record.user_id);
  out.text(record.session_id);
  put_time(out, record.updated_at);
  out.integer(static_cast<std::uint32_t>(record.changes.size()));
  for (const auto& change : record.changes) {
    out.text(change.id);
    out.integer(static_cast<std::uint8_t>(change.role));
    out.text(change.content);
    out.text(change.metadata);
  }
  return bytes;
}

Bytes encode_erase(const EraseRecord& record) {
  Bytes bytes;
  ByteWriter out(bytes);
  out.text(record.user_id);
  out.text(record.session_id);
  out.integer(static_cast<std::uint32_t>(record.message_ids.size()));
  for (const auto& id : record.message_ids) out.text(id);
  return bytes;
}

// Each of the three stops at the first field that is not there: a count is never trusted for an allocation.
bool decode_append(ByteReader& in, AppendRecord& record) {
  record.user_id = in.text();
  record.round.session_id = in.text();
  record.idempotency_key = in.text();
  record.request_hash = in.integer<std::uint64_t>();
  record.accepted_at = get_time(in);
  bool valid = true;
  for (auto left = in.integer<std::uint32_t>(); left > 0 && in.ok(); --left) {
    record.round.messages.push_back(get_message(in, record.round.session_id));
    valid = valid && is_role(record.round.messages.back().role);
  }
  return valid && !record.round.messages.empty();
}

bool decode_update(ByteReader& in, UpdateRecord& record) {
  record.user_id = in.text();
  record.session_id = in.text();
  record.updated_at = get_time(in);
  bool valid = true;
  for (auto left = in.integer<std::uint32_t>(); left > 0 && in.ok(); --left) {
    MessageChange change;
    change.id = in.text();
    change.role = get_role(in);
    change.content = in.text();
    change.metadata = in.text();
    valid = valid && is_role(change.role);
    record.changes.push_back(std::move(change));
  }
  return valid;
}

bool decode_erase(ByteReader& in, EraseRecord& record) {
  record.user_id = in.text();
  record.session_id = in.text();
  for (auto left = in.integer<std::uint32_t>(); left > 0 && in.ok(); --left)
    record.message_ids.emplace_back(in.text());
  return true;
}

template <class Record, class Decode>
Result<Operation> decode_as(std::string_view payload, Decode decode_fields) {
  ByteReader in(payload);
  Record record;
  const bool valid = decode_fields(in, record);
  if (!valid || !in.ok() || !in.at_end()) return permanent("malformed journal record");
  return Operation{std::move(record)};
}

}  // namespace

RecordType type_of(const Operation& operation) {
  if (std::holds_alternative<AppendRecord>(operation)) return RecordType::append;
  return std::holds_alternative<UpdateRecord>(operation) ? RecordType::update : RecordType::erase;
}

const std::string& session_of(const Operation& operation) {
  if (const auto* append = std::get_if<AppendRecord>(&operation)) return append->round.session_id;
  if (const auto* update = std::get_if<UpdateRecord>(&operation)) return update->session_id;
  return std::get<EraseRecord>(operation).session_id;
}

Bytes encode(const Operation& operation) {
  if (const auto* append = std::get_if<AppendRecord>(&operation)) return encode_append(*append);
  if (const auto* update = std::get_if<UpdateRecord>(&operation)) return encode_update(*update);
  return encode_erase(std::get<EraseRecord>(operation));
}

Result<Operation> decode(RecordType type, std::string_view payload) {
  switch (type) {
    case RecordType::append:
      return decode_as<AppendRecord>(payload, decode_append);
    case RecordType::update:
      return decode_as<UpdateRecord>(payload, decode_update);
    case RecordType::erase:
      return decode_as<EraseRecord>(payload, decode_erase);
    case RecordType::acknowledge:
      break;
  }
  return permanent("not a record of an operation");
}

}  // namespace holdfast::journal
