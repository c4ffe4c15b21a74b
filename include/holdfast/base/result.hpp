// Expected failures are values: Result<T> is a value or an Error. An Error that crosses modules answers one
// question (its kind): may the caller try again? HTTP status, retry and dead letter follow from the kind,
// never from the message.
#pragma once

#include <boost/system/result.hpp>
#include <stdexcept>
#include <string>
#include <utility>

namespace holdfast {

enum class ErrorKind {
  retryable,      // may succeed later as it is: store busy, I/O error outside us, time-out
  permanent,      // will never succeed as it is: refused content, broken file, wrong setting
  overloaded,     // a bound of ours is reached; the caller should slow down
  shutting_down,  // the process is stopping
};

struct Error {
  ErrorKind kind = ErrorKind::permanent;
  std::string message;  // for operators: what failed and on what; never message text, never a secret
};

// Called by Result::value() on an error: that is a bug in the caller, so it throws.
[[noreturn]] inline void throw_exception_from_error(const Error& error, const boost::source_location&) {
  throw std::logic_error("unchecked error: " + error.message);
}

template <class T>
using Result = boost::system::result<T, Error>;

inline Error retryable(std::string message) {
  return {ErrorKind::retryable, std::move(message)};
}
inline Error permanent(std::string message) {
  return {ErrorKind::permanent, std::move(message)};
}
inline Error overloaded(std::string message) {
  return {ErrorKind::overloaded, std::move(message)};
}
inline Error shutting_down(std::string message) {
  return {ErrorKind::shutting_down, std::move(message)};
}

}  // namespace holdfast
