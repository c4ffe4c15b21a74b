#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <optional>
#include <thread>
#include <unordered_map>
#include <utility>

#include "holdfast/base/log.hpp"
#include "holdfast/transfer/message_line.hpp"
#include "holdfast/transfer/targets.hpp"
#include "server_connection.hpp"

namespace holdfast::transfer {
namespace {

using Json = nlohmann::json;
using std::chrono::steady_clock;

// A request ends here even where the chunk goes on: below the server's limit for such bodies.
constexpr std::size_t kMaxRequestBytes = 4u << 20;
// Names whose ids are kept; then they are asked for anew.
constexpr std::size_t kMaxKnownIds = 10'000;
constexpr std::chrono::milliseconds kLongestWait{5'000};

std::string url_encoded(std::string_view text) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (byte | 0x20) >= 'a' && (byte | 0x20) <= 'z';
    if (plain || (byte >= '0' && byte <= '9')) {
      out += c;
    } else {
      out += '%';
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    }
  }
  return out;
}

std::string word_of(const ServerAnswer& answer) {
  const auto body = Json::parse(answer.body, nullptr, false);
  const auto said = body.is_object() ? body.value("message", Json()) : Json();
  return "the server answered " + std::to_string(answer.status) +
         (said.is_string() ? ": " + said.get<std::string>() : std::string());
}

class ServerTarget final : public Target {
 public:
  explicit ServerTarget(Server server) : server_(std::move(server)), connection_(server_) {}

  Result<ChunkAnswer> write(const NextMessages& next) override {
    ChunkAnswer answer;
    std::size_t index = 0;
    for (auto messages = next(); !messages.empty(); messages = next()) {
      for (auto& message : messages) {
        auto added = add(message.named, index++, answer);
        if (!added) return added.error();
      }
      if (body_.size() < kMaxRequestBytes) continue;
      if (auto sent = send(answer); !sent) return sent.error();
    }
    if (auto sent = send(answer); !sent) return sent.error();
    std::sort(answer.refused.begin(), answer.refused.end());
    return answer;
  }
  bool wants_features() const override { return false; }

 private:
  // Asks again while the server is down or overloaded, at most for its patience.
  Result<ServerAnswer> ask(std::string_view target, const std::string& body) {
    const auto give_up = steady_clock::now() + server_.patience;
    std::chrono::milliseconds wait{100};
    for (;;) {
      auto answer = connection_.exchange(target, body);
      const bool refused = answer && (answer->status == 429 || answer->status == 503);
      if (answer) waits_ = false;
      if (answer && !refused) return answer;
      const auto pause = answer ? std::max<std::chrono::milliseconds>(wait, answer->retry_after) : wait;
      if (steady_clock::now() + pause > give_up) {
        if (!answer) return answer.error();
        return overloaded(word_of(*answer));
      }
      if (!answer && !waits_) {
        waits_ = true;
        log::warn("{}; asking again for up to {} s", answer.error().message,
                  std::chrono::duration_cast<std::chrono::seconds>(server_.patience).count());
      }
      std::this_thread::sleep_for(pause);
      wait = std::min(kLongestWait, wait * 2);
    }
  }

  Result<void> add(store::NamedMessage& named, std::size_t index, ChunkAnswer& answer) {
    auto session = session_id(named);
    if (!session) return session.error();
    if (session->empty()) {
      answer.refused.emplace_back(index, "the user's session of this name is another agent's");
      return {};
    }
    append_batch_line(body_, *session, named.message);
    lines_.push_back(index);
    return {};
  }

  Result<void> send(ChunkAnswer& answer) {
    if (lines_.empty()) return {};
    // What was taken already is taken again as the same: messages have ids.
    const auto give_up = steady_clock::now() + server_.patience;
    Json data;
    std::uint64_t added = 0;  // by all attempts
    for (std::chrono::milliseconds wait{100};; wait = std::min(kLongestWait, wait * 2)) {
      const auto given = ask("/api/v1/messages/batch", body_);
      if (!given) return given.error();
      const auto body = Json::parse(given->body, nullptr, false);
      data = body.is_object() ? body.value("data", Json()) : Json();
      if (!data.is_object() || !data.contains("rejected")) return permanent(word_of(*given));
      added += data.value("accepted", std::uint64_t{0}) - data.value("repeated", std::uint64_t{0});
      if (!data.value("overloaded", false)) break;
      if (steady_clock::now() + wait > give_up) return overloaded(word_of(*given));
      std::this_thread::sleep_for(wait);
    }
    const auto taken = data.value("accepted", std::uint64_t{0});
    added = std::min(added, taken);
    answer.added += added;
    answer.present += taken - added;
    note_refused(data, answer);
    body_.clear();
    lines_.clear();
    return {};
  }

  // The server tells the first hundred wrong lines of a request and counts the others.
  void note_refused(const Json& data, ChunkAnswer& answer) {
    auto untold = data.value("rejected", std::uint64_t{0});
    for (const auto& error : data.value("errors", Json::array())) {
      const auto line = error.value("line", std::size_t{0});
      if (line == 0 || line > lines_.size()) continue;
      answer.refused.emplace_back(lines_[line - 1], error.value("message", ""));
      --untold;
    }
    for (; untold > 0; --untold) {
      answer.refused.emplace_back(lines_.back(),
                                  "one more of this request was refused, at this line or before");
    }
  }

  struct Entity {
    std::string id, agent_id;  // agent_id: of a session
  };

  Result<std::optional<Entity>> find(const std::string& path, const std::string& list) {
    const auto answer = ask(path, {});
    if (!answer) return answer.error();
    if (answer->status == 404) return std::optional<Entity>{};
    const auto body = Json::parse(answer->body, nullptr, false);
    if (answer->status != 200 || !body.is_object() || body["data"][list].empty()) {
      return permanent(word_of(*answer));
    }
    const auto& found = body["data"][list][0];
    return std::optional(Entity{found.value("id", ""), found.value("agent_id", "")});
  }

  // What has this name; made where there is none.
  Result<Entity> find_or_make(const std::string& one, const std::string& query, const std::string& name,
                              Json made) {
    const auto path = "/api/v1/" + one + "s";
    const auto found = find(path + "?" + query + "name=" + url_encoded(name), one + "s");
    if (!found) return found.error();
    if (*found) return **found;
    made["name"] = name;
    const auto answer = ask(path, made.dump());
    if (!answer) return answer.error();
    const auto body = Json::parse(answer->body, nullptr, false);
    if (answer->status != 201 || !body.is_object()) return permanent(word_of(*answer));
    const auto& entity = body["data"][one];
    return Entity{entity.value("id", ""), entity.value("agent_id", "")};
  }

  Result<std::string> id_of(const std::string& one, const std::string& name) {
    const auto key = one + '\n' + name;
    if (const auto known = ids_.find(key); known != ids_.end()) return known->second;
    const auto entity = find_or_make(one, "", name, Json::object());
    if (!entity) return entity.error();
    return ids_[key] = entity->id;
  }

  // Empty: the session is another agent's.
  Result<std::string> session_id(const store::NamedMessage& named) {
    if (ids_.size() > kMaxKnownIds) ids_.clear();
    const auto key = "session\n" + named.user + '\n' + named.agent + '\n' + named.session;
    if (const auto known = ids_.find(key); known != ids_.end()) return known->second;
    const auto user = id_of("user", named.user);
    if (!user) return user.error();
    const auto agent = id_of("agent", named.agent);
    if (!agent) return agent.error();
    const auto session = find_or_make("session", "user_id=" + url_encoded(*user) + "&", named.session,
                                      {{"user_id", *user}, {"agent_id", *agent}});
    if (!session) return session.error();
    return ids_[key] = session->agent_id == *agent ? session->id : std::string();
  }

  const Server server_;
  ServerConnection connection_;
  std::unordered_map<std::string, std::string> ids_;  // by kind and names
  std::string body_;                                  // of the request that is being filled
  std::vector<std::size_t> lines_;                    // of its lines: the n-th message given
  bool waits_ = false;                                // for an answer, and has said so
};

}  // namespace

Result<Server> parse_server(std::string_view url) {
  const auto refused = permanent("--url: " + std::string(url) + " is not http://HOST[:PORT]");
  constexpr std::string_view kScheme = "http://";
  if (!url.starts_with(kScheme)) return refused;
  url.remove_prefix(kScheme.size());
  if (url.ends_with('/')) url.remove_suffix(1);
  Server server;
  const auto colon = url.find(':');
  server.host = url.substr(0, colon);
  if (server.host.empty() || url.find_first_of("/@?#[]") != std::string_view::npos) return refused;
  if (colon == std::string_view::npos) return server;
  const auto port = url.substr(colon + 1);
  const auto end = port.data() + port.size();
  const auto read = std::from_chars(port.data(), end, server.port);
  if (read.ec != std::errc{} || read.ptr != end || server.port == 0) return refused;
  return server;
}

std::unique_ptr<Target> make_server_target(Server server) {
  return std::make_unique<ServerTarget>(std::move(server));
}

}  // namespace holdfast::transfer
