#include "holdfast/embedding/back_fill.hpp"

#include <pthread.h>

#include <algorithm>
#include <chrono>
#include <future>
#include <random>
#include <utility>

#include "holdfast/base/log.hpp"
#include "holdfast/flush/retry_policy.hpp"

namespace holdfast::embedding {
namespace {

using std::chrono::milliseconds;

// How often the store is asked for pending items when there were none: one look-up in an index.
constexpr milliseconds kIdle{250};
constexpr std::size_t kMostBytesABatch = 1u << 20;

// 500 ms, doubling up to 30 s.
flush::Options backoff() {
  flush::Options options;
  options.retry_attempts = 0;
  options.retry_delay = milliseconds{250};
  return options;
}

}  // namespace

BackFill::BackFill(RemoteEmbedder& embedder, store::MemoryStore& store, text::ChunkOptions chunking,
                   const Clock& clock, metrics::EmbeddingProbe& probe,
                   std::function<void(const std::vector<std::string>&)> filled)
    : embedder_(embedder),
      store_(store),
      chunking_(chunking),
      clock_(clock),
      probe_(probe),
      filled_(std::move(filled)) {
  thread_ = std::thread([this] { run(); });
  pthread_setname_np(thread_.native_handle(), "back-fill");
}

BackFill::~BackFill() {
  stop();
}

void BackFill::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void BackFill::run() {
  std::mt19937_64 random{std::random_device{}()};
  const auto options = backoff();
  unsigned failures = 0;
  for (;;) {
    const auto round = do_batch();
    failures = round == Round::failed ? failures + 1 : 0;
    const auto wait = round == Round::worked   ? milliseconds{0}
                      : round == Round::failed ? flush::retry_delay(options, failures, random())
                                               : kIdle;
    std::unique_lock lock(mutex_);
    if (wake_.wait_for(lock, wait, [this] { return stopping_; })) return;
  }
}

BackFill::Round BackFill::do_batch() {
  // As many as one request takes: where long texts are split, fewer.
  const auto& options = embedder_.options();
  const auto pending = store_.pending_vectors(
      options.max_batch, std::min(kMostBytesABatch, options.max_batch * chunk_bytes(options)));
  if (!pending) return Round::failed;
  probe_.pending.set(pending->total);
  if (pending->items.empty()) return Round::idle;
  const auto answers = embed(pending->items);
  std::vector<store::LateVector> made;
  std::vector<std::int64_t> given_up;
  std::vector<std::string> users;
  for (std::size_t i = 0; i < answers.size(); ++i) {
    const auto& item = pending->items[i];
    if (answers[i]) {
      made.push_back({item.mark, *answers[i]});
      users.push_back(item.user_id);
    } else if (answers[i].error().kind == ErrorKind::permanent) {
      given_up.push_back(item.mark);
    }
  }
  if (made.empty() && given_up.empty()) return Round::failed;
  if (!given_up.empty()) {
    log::warn("the embedding server does not take the texts of {} items: they are found by keyword only",
              given_up.size());
    if (!store_.give_up_vectors(given_up)) return Round::failed;
  }
  if (!made.empty() && !store_.set_vectors(made)) return Round::failed;
  probe_.back_filled.add(made.size());
  probe_.pending.set(pending->total - made.size() - given_up.size());
  std::sort(users.begin(), users.end());
  users.erase(std::unique(users.begin(), users.end()), users.end());
  filled_(users);
  return made.size() + given_up.size() < answers.size() ? Round::failed : Round::worked;
}

std::vector<ItemVectors> BackFill::embed(const std::vector<store::PendingVector>& items) {
  std::vector<std::future<ItemVectors>> coming;
  std::vector<ItemText> texts;
  for (const auto& item : items) {
    auto promise = std::make_shared<std::promise<ItemVectors>>();
    coming.push_back(promise->get_future());
    texts.push_back({item.content, [promise](ItemVectors answer) { promise->set_value(std::move(answer)); }});
  }
  request_item_vectors(embedder_, std::move(texts), chunking_, clock_);
  std::vector<ItemVectors> answers;
  for (auto& one : coming) answers.push_back(one.get());
  return answers;
}

}  // namespace holdfast::embedding
