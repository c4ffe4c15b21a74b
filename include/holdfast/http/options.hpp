#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

namespace holdfast::http {

struct Limits {
  std::size_t header_bytes = 8u << 10;
  std::size_t header_fields = 64;
  std::size_t body_bytes = 1u << 20;
  std::size_t bulk_body_bytes = 64u << 20;  // POST /api/v1/messages/batch
  std::size_t message_bytes = 256u << 10;
  std::size_t batch_messages = 1000;  // messages in one request
  std::size_t connections = 4096;
  std::size_t inflight_bytes = 256u << 20;  // of all requests being read or served
  std::size_t pool_bytes = 16u << 20;       // of storage kept for the bodies of later requests
  std::chrono::milliseconds header_timeout{5'000};
  std::chrono::milliseconds body_timeout{10'000};  // plus one second for each 16 KiB
  std::chrono::milliseconds idle_timeout{30'000};
};

struct Endpoint {
  std::string host = "127.0.0.1";
  std::uint16_t port = 8000;  // 0: any free one, logged at start
};

}  // namespace holdfast::http
