// The requests of a scenario: its users and sessions, made through the API, and what they send.
#pragma once

#include <array>
#include <random>
#include <string>
#include <vector>

#include "http_client.hpp"
#include "scenario.hpp"

namespace loadtest {

enum class Operation : std::size_t { add, query, list, count };
inline constexpr std::array<const char*, 3> kOperationNames{"add", "query", "list"};

struct Request {
  Operation operation = Operation::add;
  std::string bytes;
};

class Requests {
 public:
  // Makes the users, an agent and the sessions, and stores scenario.preload_messages. Throws
  // std::runtime_error.
  Requests(const Address& address, const Scenario& scenario);

  // The next request: operations as the mix says, users in turn.
  Request next();

 private:
  struct User {
    std::string id;
    std::vector<std::string> sessions;
    std::vector<std::string> repeated_queries;
    std::size_t turn = 0;
  };

  void make_users(const Address& address);
  void preload(const Address& address);
  std::string add_body(std::size_t messages);
  std::string query_body(User& user);

  // Constant after construction
  const Scenario& scenario_;
  std::vector<std::string> user_messages_, assistant_messages_;  // JSON objects, drawn again and again
  // Changed by next()
  Conversation conversation_;
  std::mt19937_64 random_;
  std::vector<User> users_;
  std::size_t next_user_ = 0;
};

}  // namespace loadtest
