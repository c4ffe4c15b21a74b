// What a request can end in other than success. Said by the paths, put into words and statuses by http.
#pragma once

#include <boost/system/result.hpp>
#include <string>

#include "holdfast/base/result.hpp"
#include "holdfast/metrics/probes.hpp"

namespace holdfast::engine {

enum class Entity { user, agent, session, message, knowledge, dead_letter };

enum class FailureKind {
  not_found,       // no entity of that id
  name_not_found,  // no entity of that name
  name_taken,      // an entity of that name exists
  id_conflict,     // a message of that id exists with other content
  in_progress,     // the same id or idempotency key is being written right now
  key_reused,      // the idempotency key was used with another body
  over_quota,      // this user's share of a bound is used up: try again later
  overloaded,      // a bound of the server is reached: try again later
  unavailable,     // journal or store cannot serve this now; a write's outcome may be unknown
};

struct Failure {
  FailureKind kind = FailureKind::unavailable;
  Entity entity = Entity::message;
  std::string subject;  // the id, name or key; for the last three what is the matter
  metrics::RefusalReason reason = metrics::RefusalReason::store;  // of the last three
};

[[noreturn]] inline void throw_exception_from_error(const Failure& failure, const boost::source_location&) {
  throw std::logic_error("unchecked failure: " + failure.subject);
}

template <class T>
using Outcome = boost::system::result<T, Failure>;

inline Failure not_found(Entity entity, std::string id) {
  return {FailureKind::not_found, entity, std::move(id)};
}

// A store error as the answer to a request.
inline Failure unavailable(const Error& error) {
  const auto kind = error.kind == ErrorKind::overloaded ? FailureKind::overloaded : FailureKind::unavailable;
  return {kind, Entity::message, error.message, metrics::RefusalReason::store};
}

}  // namespace holdfast::engine
