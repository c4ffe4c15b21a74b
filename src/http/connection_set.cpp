#include "connection_set.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "holdfast/http/serving.hpp"

namespace holdfast::http {

ConnectionSet::Registration::Registration(ConnectionSet& set, Stream& stream)
    : set_(set), entry_{&stream, false} {
  set_.entries_.insert(&entry_);
  set_.probe_.connections.set(set_.entries_.size());
}

ConnectionSet::Registration::~Registration() {
  set_.entries_.erase(&entry_);
  set_.probe_.connections.set(set_.entries_.size());
  if (set_.entries_.empty()) set_.emptied_.cancel();
}

std::variant<ConnectionSet::Reservation, ConnectionSet::NoRoom> ConnectionSet::reserve(
    RouteKey user, std::uint64_t bytes, const Serving& serving) {
  const auto share = serving.limits.inflight_bytes / shard_count_;
  if (reserved_ > 0 && reserved_ + bytes > share) return NoRoom::for_anyone;
  if (user != 0) {
    const auto user_share = static_cast<std::uint64_t>(static_cast<double>(share) * serving.user_share);
    auto& its = reserved_by_user_[user];
    if (its > 0 && its + bytes > user_share) return NoRoom::for_user;
    its += bytes;
  }
  reserved_ += bytes;
  probe_.request_bytes.set(reserved_);
  return Reservation(*this, user, bytes);
}

ConnectionSet::Reservation::~Reservation() {
  if (!set_) return;
  set_->reserved_ -= bytes_;
  set_->probe_.request_bytes.set(set_->reserved_);
  if (user_ == 0) return;
  const auto its = set_->reserved_by_user_.find(user_);
  if ((its->second -= bytes_) == 0) set_->reserved_by_user_.erase(its);
}

void ConnectionSet::close_idle() {
  closing_ = true;
  for (auto* entry : entries_) {
    if (!entry->busy) entry->stream->cancel();
  }
}

boost::asio::awaitable<std::size_t> ConnectionSet::wait_until_empty(SteadyTime deadline) {
  if (!entries_.empty()) {
    emptied_.expires_at(deadline);
    co_await emptied_.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
  }
  co_return entries_.size();
}

}  // namespace holdfast::http
