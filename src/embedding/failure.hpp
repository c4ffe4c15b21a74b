// Why a request to the embedding server gave no vectors.
#pragma once

#include <boost/system/result.hpp>
#include <chrono>
#include <optional>
#include <stdexcept>
#include <string>

#include "holdfast/metrics/probes.hpp"

namespace holdfast::embedding {

struct Failure {
  metrics::EmbeddingFailure reason = metrics::EmbeddingFailure::connection;
  std::string what;                                 // for operators; no text, no key
  std::optional<std::chrono::seconds> retry_after;  // as the server asked
};

[[noreturn]] inline void throw_exception_from_error(const Failure& failure, const boost::source_location&) {
  throw std::logic_error("unchecked failure: " + failure.what);
}

}  // namespace holdfast::embedding
