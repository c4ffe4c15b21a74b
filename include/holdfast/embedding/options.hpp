#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

namespace holdfast::embedding {

// Where a server is, from a URL such as "https://api.openai.com/v1".
struct Endpoint {
  bool tls = false;
  std::string host;  // a name or an address; IPv6 without its brackets
  std::uint16_t port = 0;
  std::string path;  // without a trailing slash; may be empty
};

// A server that answers POST BASE/embeddings as OpenAI does.
struct Options {
  bool remote = false;  // false: the built-in embedder, and nothing below counts
  Endpoint endpoint;
  std::string model;
  std::string api_key_env;                    // the environment variable with the key; empty: no key is sent
  std::size_t dimensions = 0;                 // of the model: other answers are refused
  std::chrono::milliseconds timeout{10'000};  // of one request, connecting included
  std::size_t max_batch = 64;                 // texts in one request
  std::size_t max_tokens = 2048;              // that the model takes of a text; longer ones are split
};

// The most bytes of a text that surely are not more than max_tokens: a token has at least one byte, and
// models put a few tokens of their own around a text.
std::size_t chunk_bytes(const Options& options);

}  // namespace holdfast::embedding
