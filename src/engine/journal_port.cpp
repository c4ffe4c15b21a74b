#include "holdfast/engine/journal_port.hpp"

#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <memory>
#include <utility>

namespace holdfast::engine {
namespace {

using Waiter = asio::any_completion_handler<void(journal::Completion)>;

}  // namespace

// The ticket is the waiter's address: the journal gives back every ticket exactly once, also when it stops.
asio::awaitable<journal::Completion> JournalPort::append(const journal::Operation& operation) {
  const auto type = journal::type_of(operation);
  auto payload = journal::encode(operation);
  co_return co_await asio::async_initiate<const asio::use_awaitable_t<>, void(journal::Completion)>(
      [this, type](auto handler, Bytes bytes) {
        auto waiter = std::make_unique<Waiter>(std::move(handler));
        const auto ticket = reinterpret_cast<std::uint64_t>(waiter.release());
        journal_.append(shard_, ticket, type, std::move(bytes));
      },
      asio::use_awaitable, std::move(payload));
}

void JournalPort::acknowledge(std::vector<Lsn> lsns) {
  if (!lsns.empty()) journal_.acknowledge(std::move(lsns));
}

void JournalPort::deliver(std::vector<journal::Completion> completions) {
  for (auto& completion : completions) {
    const std::unique_ptr<Waiter> waiter(reinterpret_cast<Waiter*>(completion.ticket));
    std::move (*waiter)(std::move(completion));
  }
}

}  // namespace holdfast::engine
