// Small buffers and quick retries over a store that goes wrong.
#pragma once

#include "fakes/running_engine.hpp"
#include "fakes/scripted_store.hpp"

namespace holdfast {

struct Delivery : engine::RunningEngine {
  explicit Delivery(store::ScriptedStore& store, std::size_t max_buffer_bytes = 64u << 20,
                    std::uint64_t max_journal_bytes = 1u << 30)
      : RunningEngine(options(max_buffer_bytes, max_journal_bytes), store) {}
  static engine::Options options(std::size_t max_buffer_bytes, std::uint64_t max_journal_bytes) {
    engine::Options options;
    options.max_buffer_bytes = max_buffer_bytes;
    options.max_journal_bytes = max_journal_bytes;
    options.buffer.round.max_rounds = 2;
    options.buffer.hybrid.max_rounds = 2;
    options.flush.workers = 2;
    options.flush.retry_delay = std::chrono::milliseconds(1);
    options.flush.max_retry_delay = std::chrono::milliseconds(5);
    return options;
  }
  std::string new_session(const std::string& user) { return add_session(user, "a"); }
  engine::Outcome<engine::AddAnswer> add_with_id(const std::string& session, const std::string& id,
                                                 const std::string& content) {
    ingest::AddRequest request;
    request.session_id = session;
    request.messages.resize(1);
    request.messages[0].id = id;
    request.messages[0].content = content;
    return run(service().add_messages(std::move(request)));
  }
  auto update(const std::string& session, const std::string& id, const std::string& content) {
    return run(service().update_messages(session, {{id, Role::user, content, ""}}));
  }
  auto erase(const std::string& session, const std::string& id) {
    return run(service().erase_messages(session, {id}));
  }
  void set_mode(engine::Mode mode) {
    const auto set = [](engine::UserShard& shard, engine::Mode to) -> boost::asio::awaitable<void> {
      auto changed = *shard.parts.options;
      changed.mode = to;
      shard.parts.options = std::make_shared<const engine::Options>(changed);
      shard.flush_loop.reconfigured();
      co_return;
    };
    start(set(shard(), mode)).get();
  }
};

inline std::vector<std::string> contents_of(const store::ScriptedStore& store, const std::string& session) {
  std::vector<std::string> contents;
  for (const auto& message : store.stored(session)) contents.push_back(message.content);
  return contents;
}

}  // namespace holdfast
