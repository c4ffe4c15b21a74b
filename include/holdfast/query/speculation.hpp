// The speculative buffer: what a user may ask next is predicted from what was said last, and searched before
// it is asked. Coroutines of the shard that owns the user.
//
// A prediction of the next query is the text of one of a session's last messages, or of all of them together
// (predicted_queries). Its answer is kept in UserShard::speculations and serves a query of this user, over
// everything he has, whose vector is similar enough: it is the answer to the prediction, brought up to date,
// not to the query. Of LoCoMo's questions it would serve none well (tests/text/locomo_recall prints it), so
// it is off unless switched on.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <span>
#include <string>
#include <vector>

#include "holdfast/engine/user_shard.hpp"

namespace holdfast::query {

// last: of a session's messages, the latest first.
std::vector<std::string> predicted_queries(std::span<const std::string> last);

// Predicts what is asked next in this session, and searches it. Nothing happens unless it is switched on, for
// a user who has never asked, while memory is short, the store or the embedding server does not answer, or
// messages wait in the journal.
boost::asio::awaitable<void> predict_and_search(engine::UserShard& shard, std::string session_id);

// Does so for the sessions in shard.predictions, while nobody asks anything of the shard, until that is
// closed.
boost::asio::awaitable<void> speculate_when_idle(engine::UserShard& shard);

}  // namespace holdfast::query
