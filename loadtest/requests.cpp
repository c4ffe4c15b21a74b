#include "requests.hpp"

#include <chrono>

namespace loadtest {
namespace {

using Json = nlohmann::json;

constexpr std::uint64_t kSeed = 20250601;
// Text is made once and drawn from then on, so that the load costs little on the machine it shares with the
// daemon.
constexpr std::size_t kTexts = 4096;
constexpr std::size_t kPreloadBatch = 100;

std::string message_json(const char* role, const std::string& content) {
  return Json{{"role", role}, {"content", content}}.dump();
}

}  // namespace

Requests::Requests(const Address& address, const Scenario& scenario)
    : scenario_(scenario), conversation_(kSeed, scenario.message_bytes), random_(kSeed) {
  for (std::size_t i = 0; i < kTexts; ++i) {
    user_messages_.push_back(message_json("user", conversation_.user_message()));
    assistant_messages_.push_back(message_json("assistant", conversation_.assistant_message()));
  }
  make_users(address);
  preload(address);
}

void Requests::make_users(const Address& address) {
  // Names are unique in a daemon that may have been tested before.
  const auto now = std::chrono::system_clock::now().time_since_epoch().count();
  const auto prefix = "load-" + std::to_string(now) + "-";
  const auto agent = call(address, "/api/v1/agents", {{"name", prefix + "agent"}}).at("agent").at("id");
  for (std::size_t i = 0; i < scenario_.users; ++i) {
    User user;
    user.id = call(address, "/api/v1/users", {{"name", prefix + std::to_string(i)}}).at("user").at("id");
    for (std::size_t j = 0; j < scenario_.sessions_per_user; ++j) {
      const auto made = call(address, "/api/v1/sessions", {{"user_id", user.id}, {"agent_id", agent}});
      user.sessions.push_back(made.at("session").at("id"));
    }
    for (std::size_t j = 0; j < scenario_.repeated_texts; ++j) {
      user.repeated_queries.push_back(conversation_.question());
    }
    users_.push_back(std::move(user));
  }
}

void Requests::preload(const Address& address) {
  for (std::size_t done = 0; done < scenario_.preload_messages; done += kPreloadBatch) {
    auto& user = users_[(done / kPreloadBatch) % users_.size()];
    const auto& session = user.sessions[user.turn++ % user.sessions.size()];
    const auto count = std::min(kPreloadBatch, scenario_.preload_messages - done);
    call(address, "/api/v1/sessions/" + session + "/messages", Json::parse(add_body(count)));
  }
  if (scenario_.preload_messages > 0) call(address, "/api/v1/buffer/flush", {{"wait", true}});
}

std::string Requests::add_body(std::size_t messages) {
  std::string body = R"({"messages":[)";
  for (std::size_t i = 0; i < messages; ++i) {
    if (i > 0) body += ',';
    // Two by two a question and its answer; a lone message is either.
    const bool by_user = messages == 1 ? random_() % 2 == 0 : i % 2 == 0;
    body += (by_user ? user_messages_ : assistant_messages_)[random_() % kTexts];
  }
  return body += "]}";
}

std::string Requests::query_body(User& user) {
  const bool repeated = std::uniform_real_distribution<double>()(random_) < scenario_.repeated_queries;
  const auto text =
      repeated ? user.repeated_queries[random_() % user.repeated_queries.size()] : conversation_.question();
  return R"({"query":")" + text + R"("})";  // a question has nothing to escape
}

Request Requests::next() {
  auto& user = users_[next_user_++ % users_.size()];
  const auto& session = user.sessions[user.turn++ % user.sessions.size()];
  const auto& mix = scenario_.mix;
  const double drawn = std::uniform_real_distribution<double>(0, mix.add + mix.query + mix.list)(random_);
  if (drawn < mix.add) {
    return {Operation::add, make_request("POST", "/api/v1/sessions/" + session + "/messages",
                                         add_body(scenario_.messages_per_add))};
  }
  if (drawn < mix.add + mix.query) {
    return {Operation::query, make_request("POST", "/api/v1/users/" + user.id + "/query", query_body(user))};
  }
  return {Operation::list, make_request("GET", "/api/v1/sessions/" + session + "/messages", {})};
}

}  // namespace loadtest
