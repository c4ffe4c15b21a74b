// Texts to vectors through a server that speaks OpenAI's POST /v1/embeddings.
//
// Operation. Texts wait in two bounded queues: those of queries, and all others. Each has its own few
// connections, so a query never waits behind the others; a connection that becomes free takes as many texts
// as one request may have. A text is tried once: when it fails, its owner hears why and decides. Where a
// request is refused (400, 413, 422) and yet a plain word is taken, its texts are asked for one by one, and
// what is refused alone is a permanent failure of that text. After failures in a row the circuit breaker lets
// only single probes go; after a 429 nothing goes until Retry-After is over. Whatever is wrong with an
// answer, all of it is refused: no vector is ever made up.
//
// Concurrency. One thread of its own does all of it; it takes no locks but that of the queues.
//
// Limitations. The system's name resolver cannot be interrupted: a server named by a host name that does not
// resolve may hold a connection's place for longer than the time-out (callers have deadlines of their own).
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "holdfast/base/clock.hpp"
#include "holdfast/base/result.hpp"
#include "holdfast/embedding/options.hpp"
#include "holdfast/flush/circuit_breaker.hpp"
#include "holdfast/metrics/probes.hpp"
#include "holdfast/text/chunker.hpp"
#include "holdfast/text/embedder.hpp"

namespace holdfast::embedding {

enum class Purpose { query, item };

// What is sent of a text: its chunks, but those of white space alone. Views into it.
std::vector<std::string_view> chunks_to_embed(std::string_view text, const Options& options,
                                              text::ChunkOptions chunking);

// The server's model for those who only compare: it makes no vector itself.
class RemoteModel final : public text::Embedder {
 public:
  explicit RemoteModel(const Options& options);
  std::string_view fingerprint() const override { return fingerprint_; }  // "openai/MODEL/DIMENSIONS/int8"
  std::size_t dimensions() const override { return dimensions_; }
  std::size_t max_bytes() const override { return max_bytes_; }
  bool deferred() const override { return true; }
  text::Embedding embed(const text::AnalysedText&) const override { return {}; }

 private:
  const std::string fingerprint_;
  const std::size_t dimensions_;
  const std::size_t max_bytes_;
};

class RemoteEmbedder {
 public:
  using Answer = Result<text::Embedding>;
  // Errors: permanent (this text is not taken), overloaded (the queue is full), retryable, shutting_down.
  using Done = std::function<void(Answer)>;

  // api_key: empty for none. clock and probe must outlive this. Starts the thread.
  RemoteEmbedder(const Options& options, std::string api_key, const Clock& clock,
                 metrics::EmbeddingProbe& probe);
  ~RemoteEmbedder();  // stop()s

  struct Request {
    std::string text;
    Done done;  // called once: on the embedding thread, or on the caller's before request() returns
  };
  // Texts given together are sent together as far as they fit. Past the deadline one that still waits is not
  // sent. Any thread.
  void request(std::vector<Request> requests, Purpose purpose, SteadyTime deadline);

  // A query's vector, within query_deadline(); of one that is longer than the model takes the mean of its
  // chunks' vectors, by length: of 16 of them at most, evenly spread, without those that are refused for
  // good. Continues on the caller's executor.
  boost::asio::awaitable<Answer> embed_query(std::string text);
  std::chrono::milliseconds query_deadline() const;

  // Whether a request would be tried now, as far as can be told. Any thread.
  bool available() const;
  const flush::CircuitBreaker& breaker() const;
  const Options& options() const;

  // What waits or is under way fails with shutting_down, before this returns.
  void stop();

 private:
  class Client;
  std::unique_ptr<Client> client_;
};

}  // namespace holdfast::embedding
