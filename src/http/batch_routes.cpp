// POST /api/v1/messages/batch: newline-delimited messages of many sessions in one request.
#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <exception>
#include <unordered_map>
#include <utility>

#include "holdfast/base/log.hpp"
#include "holdfast/http/access_keys.hpp"
#include "holdfast/http/codec/render.hpp"
#include "route_functions.hpp"

namespace holdfast::http {
namespace {

// Messages of one session that go as one round: one record, acknowledged as a whole.
constexpr std::size_t kRoundMessages = 100;

struct SessionLines {
  std::string session_id;
  std::vector<std::pair<std::size_t, NewMessage>> lines;  // line number, from 1
};

struct Outcomes {
  std::size_t accepted = 0;
  std::size_t repeated = 0;  // of the accepted: were there already
  std::size_t rejected = 0;
  std::vector<codec::LineError> errors;  // the first kMostErrors
  bool overloaded = false;

  void reject(std::size_t line, const std::string& why) {
    ++rejected;
    if (errors.size() < codec::kMostErrors) errors.push_back({line, why});
  }
};

std::string first_error(const codec::BodyErrors& errors) {
  if (!errors.too_large.empty()) return errors.too_large;
  const auto& error = errors.errors.front();
  std::string where;
  for (const auto& step : error.location) {
    where += where.empty() ? "" : ".";
    where += std::holds_alternative<std::string>(step) ? std::get<std::string>(step)
                                                       : std::to_string(std::get<std::size_t>(step));
  }
  return where + ": " + error.message;
}

std::vector<SessionLines> group_lines(std::string_view body, const Limits& limits, Outcomes& outcomes) {
  std::vector<SessionLines> groups;
  std::unordered_map<std::string, std::size_t> index;
  for (std::size_t number = 1; !body.empty(); ++number) {
    auto line = body.substr(0, body.find('\n'));
    body.remove_prefix(std::min(body.size(), line.size() + 1));
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    if (line.empty()) continue;
    auto parsed = codec::parse_batch_line(line, limits);
    if (!parsed) {
      outcomes.reject(number, first_error(parsed.error()));
      continue;
    }
    const auto [place, is_new] = index.emplace(parsed->session_id, groups.size());
    if (is_new) groups.push_back({parsed->session_id, {}});
    groups[place->second].lines.emplace_back(number, std::move(parsed->message));
  }
  return groups;
}

// One session's lines, round after round, in order.
asio::awaitable<void> add_session(Api& api, const Request& request, SessionLines session,
                                  Outcomes& outcomes) {
  auto& lines = session.lines;
  const auto refuse_from = [&](std::size_t begin, const engine::Failure& failure) {
    const auto refused = failure_reply(failure, request);
    outcomes.overloaded = outcomes.overloaded || refused.status == 503 || refused.status == 429;
    const auto words = failure_message(failure);
    for (auto i = begin; i < lines.size(); ++i) outcomes.reject(lines[i].first, words);
  };
  if (request.principal && request.principal->scoped()) {
    const auto user = co_await api.memory.session_user(session.session_id);
    if (!user || !may_see(request, *user)) {
      refuse_from(0, engine::not_found(engine::Entity::session, session.session_id));
      co_return;
    }
  }
  for (std::size_t begin = 0; begin < lines.size(); begin += kRoundMessages) {
    const auto end = std::min(lines.size(), begin + kRoundMessages);
    ingest::AddRequest add;
    add.session_id = session.session_id;
    for (auto i = begin; i < end; ++i) add.messages.push_back(std::move(lines[i].second));
    const auto answer = co_await api.memory.add_messages(std::move(add));
    if (!answer) {  // later lines must not overtake these
      refuse_from(begin, answer.error());
      co_return;
    }
    outcomes.accepted += end - begin;
    outcomes.repeated += end - begin - (answer->last_seq + 1 - answer->first_seq);
  }
}

}  // namespace

asio::awaitable<Reply> add_batch(Api& api, Request request) {
  Outcomes outcomes;
  auto groups = group_lines(request.body, request.serving->limits, outcomes);
  const auto here = co_await asio::this_coro::executor;
  // All sessions at once, so that their rounds share the journal's syncs; the last one to end wakes us.
  asio::steady_timer ended(here, asio::steady_timer::time_point::max());
  std::size_t running = groups.size();
  for (auto& group : groups) {
    asio::co_spawn(here, add_session(api, request, std::move(group), outcomes),
                   [&](const std::exception_ptr& problem) {
                     if (problem) log::error("adding a batch ended in an exception");
                     if (--running == 0) ended.cancel();
                   });
  }
  while (running > 0) co_await ended.async_wait(asio::as_tuple(asio::use_awaitable));
  std::sort(outcomes.errors.begin(), outcomes.errors.end(),
            [](const codec::LineError& a, const codec::LineError& b) { return a.line < b.line; });
  const auto rejected = outcomes.rejected;
  const auto data = codec::render_batch(outcomes.accepted, outcomes.repeated, rejected, outcomes.overloaded,
                                        outcomes.errors);
  if (outcomes.accepted > 0 || rejected == 0) {
    co_return success(outcomes.accepted > 0 ? 201 : 200, "Messages added successfully", data);
  }
  // Not one message was taken: no success, but the same account of the lines.
  const unsigned status = outcomes.overloaded ? 503 : 422;
  Reply reply{status, codec::render_refusal(status, "No message was added", data), "application/json", {}};
  if (status == 503) reply.headers.emplace_back("Retry-After", "1");
  co_return reply;
}

}  // namespace holdfast::http
