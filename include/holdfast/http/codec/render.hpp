// Values to response bodies: the envelope {"status","code","data","message","errors"} and what goes into it,
// exactly the keys of the interface.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "holdfast/http/codec/parse.hpp"
#include "holdfast/http/codec/url.hpp"
#include "holdfast/model/types.hpp"

namespace holdfast::http::codec {

// A string as a JSON string, quotes included. Bytes that are not UTF-8 become U+FFFD.
void append_json_string(std::string& out, std::string_view text);

// data is JSON text.
std::string render_success(unsigned status, std::string_view message, std::string_view data);
std::string render_error(unsigned status, std::string_view message, std::span<const ParameterError> errors);
// An error that still has something to tell in data (JSON text).
std::string render_refusal(unsigned status, std::string_view message, std::string_view data);
std::string render_body_errors(const BodyErrors& errors);  // {"detail":[…]}

std::string render_named(std::string_view key, const User& entry);                      // {"user":{…}}
std::string render_named_list(std::string_view key, std::span<const User> entries);     // {"users":[…]}
std::string render_session(const Session& session);                                     // {"session":{…}}
std::string render_sessions(std::span<const Session> sessions);                         // {"sessions":[…]}
std::string render_messages(std::span<const Message> messages, bool include_metadata);  // {"messages":[…]}
std::string render_knowledge(std::span<const Knowledge> items);                         // {"knowledge":[…]}
std::string render_ids(std::string_view key, std::span<const std::string> ids);  // {"message_ids":[…]}
std::string render_id(std::string_view key, std::string_view id);                // {"session_id":"…"}

struct Shortfall {        // what an answer to a query had to do without; each is named only where it is so
  bool partial = false;   // the store
  bool degraded = false;  // the embedding server
};

// session_id: the query's, for the scope of each result; null scope without one.
std::string render_results(std::span<const ScoredResult> results,
                           const std::optional<std::string>& session_id, Shortfall shortfall);

struct AddedMessages {
  std::span<const std::string> message_ids;
  bool transfer_triggered = false;
  std::string_view durability;
  std::uint64_t first_seq = 0, last_seq = 0;
  std::string_view mode;       // "buffer" or "bypass"
  std::string_view embedding;  // "ready" or "pending"
};
std::string render_added(const AddedMessages& added);

struct LineError {
  std::size_t line = 0;  // from 1
  std::string message;
};
// repeated: of the accepted, how many were there already. overloaded: some were rejected for want of room,
// and will be taken when they are sent again.
std::string render_batch(std::size_t accepted, std::size_t repeated, std::size_t rejected, bool overloaded,
                         std::span<const LineError> errors);

}  // namespace holdfast::http::codec
