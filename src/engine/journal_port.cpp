#include "holdfast/engine/journal_port.hpp"

#include <algorithm>
#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <memory>
#include <utility>

namespace holdfast::engine {
namespace {

// What one handler makes (a batch of many sessions) must not fill the journal's queue while its thread waits.
constexpr std::size_t kGatheredAtMost = 64;

using Waiter = asio::any_completion_handler<void(journal::Completion)>;

}  // namespace

asio::awaitable<journal::Completion> JournalPort::append(const journal::Operation& operation) {
  journal::Submission submission;
  submission.type = journal::type_of(operation);
  submission.payload = journal::encode(operation);
  if (const auto* append = std::get_if<journal::AppendRecord>(&operation);
      append && !append->idempotency_key.empty()) {
    submission.keyed_at = append->accepted_at;
  }
  co_return co_await submit(std::move(submission));
}

// The ticket is the waiter's address: the journal gives back every ticket exactly once, also when it stops.
asio::awaitable<journal::Completion> JournalPort::submit(journal::Submission submission) {
  submission.shard = shard_;
  submission.epoch = epoch_;
  const auto submitted = clock_.steady_now();
  auto completion = co_await asio::async_initiate<const asio::use_awaitable_t<>, void(journal::Completion)>(
      [this](auto handler, journal::Submission what) {
        auto waiter = std::make_unique<Waiter>(std::move(handler));
        what.ticket = reinterpret_cast<std::uint64_t>(waiter.release());
        gather(std::move(what));
      },
      asio::use_awaitable, std::move(submission));
  // What is refused at once comes in a delivery of its own too.
  probe_.components.record(metrics::TimedComponent::journal_wait, submitted, delivered_);
  co_return completion;
}

// Handed over one by one, the first would wake the journal's thread, which may take the core from this one
// and write a group of one.
void JournalPort::gather(journal::Submission submission) {
  if (gathered_.empty()) asio::post(executor_, [this] { hand_over(); });
  gathered_.push_back(std::move(submission));
  if (gathered_.size() >= kGatheredAtMost) hand_over();
}

void JournalPort::hand_over() {
  if (!gathered_.empty()) journal_.append(std::exchange(gathered_, {}));
}

void JournalPort::acknowledge(std::vector<Lsn> lsns) {
  if (lsns.empty()) return;
  ++acknowledged_;
  journal_.acknowledge(std::move(lsns));
}

asio::awaitable<Result<void>> JournalPort::acknowledgements_recorded() {
  const auto until = acknowledged_;
  if (recorded_ >= until) co_return Result<void>{};
  journal::Submission nothing;
  nothing.type = journal::RecordType::acknowledge;
  const auto completion = co_await submit(std::move(nothing));
  if (completion.error) co_return *completion.error;
  recorded_ = std::max(recorded_, until);
  co_return Result<void>{};
}

void JournalPort::deliver(std::vector<journal::Completion> completions) {
  delivered_ = clock_.steady_now();
  for (auto& completion : completions) {
    epoch_ = std::max(epoch_, completion.epoch);
    highest_ = std::max(highest_, completion.lsn);
    const std::unique_ptr<Waiter> waiter(reinterpret_cast<Waiter*>(completion.ticket));
    std::move (*waiter)(std::move(completion));
  }
}

}  // namespace holdfast::engine
