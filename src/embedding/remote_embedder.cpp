#include "holdfast/embedding/remote_embedder.hpp"

#include <openssl/ssl.h>
#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <deque>
#include <mutex>
#include <optional>
#include <random>
#include <thread>
#include <utility>
#include <vector>

#include "holdfast/base/log.hpp"
#include "http_connection.hpp"
#include "openai_protocol.hpp"

namespace holdfast::embedding {
namespace {

using metrics::EmbeddingFailure;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::size_t kQueryConnections = 2;
constexpr std::size_t kItemConnections = 2;
constexpr std::size_t kTokensAround = 8;              // such as the marks of a text's beginning and end
constexpr std::size_t kMostWaiting = 10'000;          // texts of each queue
constexpr std::size_t kMostWaitingBytes = 16u << 20;  // of them
constexpr std::size_t kMostRequestBytes = 1u << 20;   // of a request's texts; a larger one goes alone
constexpr milliseconds kQueryDeadline{2'000};  // clients give up after 10 s, and keywords answer as well
constexpr seconds kUnknownRetryAfter{1};       // a 429 that does not say
constexpr seconds kLogInterval{30};
const std::string kPlainWord = "word";  // what a server takes that takes anything

struct Job {
  std::string text;
  SteadyTime deadline;
  RemoteEmbedder::Done done;
};

using Vectors = std::vector<text::Embedding>;
using Asked = boost::system::result<Vectors, Failure>;

std::uint64_t random_bits() {
  thread_local std::mt19937_64 generator{std::random_device{}()};
  return generator();
}

Error to_error(const Failure& failure) {
  const auto message = "embedding server: " + failure.what;
  return failure.reason == EmbeddingFailure::refused ? permanent(message) : retryable(message);
}

std::unique_ptr<asio::ssl::context> make_tls(const Endpoint& endpoint) {
  if (!endpoint.tls) return nullptr;
  auto context = std::make_unique<asio::ssl::context>(asio::ssl::context::tls_client);
  SSL_CTX_set_min_proto_version(context->native_handle(), TLS1_2_VERSION);
  context->set_default_verify_paths();
  context->set_verify_mode(asio::ssl::verify_peer);
  return context;
}

// So that a long query is one request, which holds up others' no longer than a few of theirs.
constexpr std::size_t kMostQueryChunks = 16;

std::vector<std::string_view> evenly_spread(const std::vector<std::string_view>& chunks, std::size_t most) {
  if (chunks.size() <= most) return chunks;
  std::vector<std::string_view> some;
  for (std::size_t i = 0; i < most; ++i) some.push_back(chunks[i * chunks.size() / most]);
  return some;
}

}  // namespace

std::size_t chunk_bytes(const Options& options) {
  return options.max_tokens - kTokensAround;
}

std::vector<std::string_view> chunks_to_embed(std::string_view text, const Options& options,
                                              text::ChunkOptions chunking) {
  auto chunks = text::split_text(text, chunk_bytes(options), chunking);
  std::erase_if(chunks, [](std::string_view chunk) {
    return chunk.find_first_not_of(" \t\r\n") == std::string_view::npos;
  });
  return chunks;
}

RemoteModel::RemoteModel(const Options& options)
    : fingerprint_("openai/" + options.model + "/" + std::to_string(options.dimensions) + "/int8"),
      dimensions_(options.dimensions),
      max_bytes_(chunk_bytes(options)) {}

class RemoteEmbedder::Client {
 public:
  Client(const Options& options, std::string api_key, const Clock& clock, metrics::EmbeddingProbe& probe)
      : options_(options),
        api_key_(std::move(api_key)),
        target_(options.endpoint.path + "/embeddings"),
        clock_(clock),
        probe_(probe),
        tls_(make_tls(options_.endpoint)) {
    for (std::size_t i = 0; i < kQueryConnections + kItemConnections; ++i) {
      lanes_.push_back(std::make_unique<Lane>(*this, i < kQueryConnections ? Purpose::query : Purpose::item));
      asio::co_spawn(context_, serve(*lanes_.back()), rethrow);
    }
    thread_ = std::thread([this] { context_.run(); });
    pthread_setname_np(thread_.native_handle(), "embedding");
  }
  ~Client() { stop(); }

  void request(std::vector<Request> requests, Purpose purpose, SteadyTime deadline) {
    std::vector<Request> refused;
    std::optional<Error> reason;
    {
      const std::lock_guard lock(mutex_);
      auto& queue = queue_of(purpose);
      for (auto& request : requests) {
        const auto bytes = queue.bytes + request.text.size();
        if (stopping_ || queue.jobs.size() >= kMostWaiting || bytes > kMostWaitingBytes) {
          refused.push_back(std::move(request));
          continue;
        }
        queue.bytes = bytes;
        probe_.waiting.add();
        queue.jobs.push_back({std::move(request.text), deadline, std::move(request.done)});
      }
      if (stopping_) reason = shutting_down("the embedder is stopping");
    }
    if (!refused.empty() && !reason) {
      reason = overloaded("too many texts wait for the embedding server");
      probe_.failures[EmbeddingFailure::queue_full].add(refused.size());
    }
    for (auto& request : refused) request.done(*reason);
    asio::post(context_, [this, purpose] { wake(purpose); });
  }

  void stop() {
    {
      const std::lock_guard lock(mutex_);
      if (stopping_) return;
      stopping_ = true;
    }
    asio::post(context_, [this] {
      for (auto& lane : lanes_) {
        lane->idle.cancel();
        lane->connection.close();
      }
    });
    thread_.join();  // run() returns once every lane has ended
    for (auto* queue : {&queries_, &items_}) {
      for (auto& job : queue->jobs) finish(job, shutting_down("the embedder is stopping"));
    }
  }

  bool available() const {
    return !breaker_.open() && clock_.steady_now() >= SteadyTime{SteadyTime::duration{held_until_.load()}};
  }
  const flush::CircuitBreaker& breaker() const { return breaker_; }
  const Options& options() const { return options_; }

 private:
  struct Queue {
    std::deque<Job> jobs;
    std::size_t bytes = 0;
  };
  struct Lane {  // one connection and what it serves
    Lane(Client& client, Purpose of)
        : purpose(of),
          idle(client.context_),
          connection(client.context_.get_executor(), client.options_.endpoint, client.tls_.get()) {}
    const Purpose purpose;
    asio::steady_timer idle;
    HttpConnection connection;
  };

  static void rethrow(std::exception_ptr error) {
    if (error) std::rethrow_exception(error);
  }

  Queue& queue_of(Purpose purpose) { return purpose == Purpose::query ? queries_ : items_; }

  void wake(Purpose purpose) {
    for (auto& lane : lanes_) {
      if (lane->purpose == purpose) lane->idle.cancel();
    }
  }

  void finish(Job& job, Answer answer) {
    probe_.waiting.subtract(1);
    job.done(std::move(answer));
  }

  // What one request takes; those too late are told so. Nothing at the stop.
  std::vector<Job> take(Purpose purpose) {
    std::vector<Job> taken, late;
    const auto now = clock_.steady_now();
    {
      const std::lock_guard lock(mutex_);
      auto& queue = queue_of(purpose);
      std::size_t bytes = 0;
      while (!stopping_ && !queue.jobs.empty() && taken.size() < options_.max_batch) {
        auto& next = queue.jobs.front();
        if (!taken.empty() && bytes + next.text.size() > kMostRequestBytes) break;
        queue.bytes -= next.text.size();
        auto& to = now >= next.deadline ? late : taken;
        if (&to == &taken) bytes += next.text.size();
        to.push_back(std::move(next));
        queue.jobs.pop_front();
      }
    }
    for (auto& job : late) finish(job, retryable("the embedding server was too busy for it"));
    return taken;
  }

  bool stopping() {
    const std::lock_guard lock(mutex_);
    return stopping_;
  }

  asio::awaitable<void> serve(Lane& lane) {
    while (!stopping()) {
      auto jobs = take(lane.purpose);
      if (!jobs.empty()) {
        co_await answer(lane, std::move(jobs));
        continue;
      }
      lane.idle.expires_at(asio::steady_timer::time_point::max());
      co_await lane.idle.async_wait(asio::as_tuple(asio::use_awaitable));
    }
  }

  asio::awaitable<void> answer(Lane& lane, std::vector<Job> jobs) {
    std::vector<std::string> texts;
    for (auto& job : jobs) texts.push_back(std::move(job.text));
    auto asked = co_await ask(lane, texts);
    if (!asked && asked.error().reason == EmbeddingFailure::refused) {
      co_await answer_one_by_one(lane, std::move(jobs), std::move(texts), asked.error());
      co_return;
    }
    for (std::size_t i = 0; i < jobs.size(); ++i) {
      finish(jobs[i], asked ? Answer((*asked)[i]) : Answer(to_error(asked.error())));
    }
  }

  // Is it a text that is refused, or everything?
  asio::awaitable<void> answer_one_by_one(Lane& lane, std::vector<Job> jobs, std::vector<std::string> texts,
                                          Failure refusal) {
    const std::vector<std::string> plain{kPlainWord};
    const auto probed = co_await ask(lane, plain);
    if (!probed) {
      refusal.reason = EmbeddingFailure::status;
      log_failure(refusal, clock_.steady_now());
      (void)failed(refusal);
      for (auto& job : jobs) finish(job, to_error(refusal));
      co_return;
    }
    for (std::size_t i = 0; i < jobs.size(); ++i) {
      const std::vector<std::string> alone{std::move(texts[i])};
      Asked asked = refusal;
      if (jobs.size() > 1) asked = co_await ask(lane, alone);
      if (asked) {
        finish(jobs[i], std::move(asked->front()));
        continue;
      }
      if (asked.error().reason == EmbeddingFailure::refused) probe_.failures[EmbeddingFailure::refused].add();
      finish(jobs[i], to_error(asked.error()));
    }
  }

  asio::awaitable<Asked> ask(Lane& lane, const std::vector<std::string>& texts) {
    const auto began = clock_.steady_now();
    if (began.time_since_epoch().count() < held_until_.load()) {
      co_return failed({EmbeddingFailure::rate_limited, "it asked for a pause", std::nullopt});
    }
    if (!breaker_.admit(began)) {
      co_return failed(
          {EmbeddingFailure::circuit_open, "it has been failing; the next try waits", std::nullopt});
    }
    probe_.requests.add();
    probe_.texts.add(texts.size());
    const auto limit = answer_limit(texts.size(), options_.dimensions);
    auto body = render_request(options_.model, texts);
    auto posted = co_await lane.connection.post(target_, api_key_, std::move(body), limit, options_.timeout);
    const auto now = clock_.steady_now();
    probe_.request_ns.record(static_cast<std::uint64_t>((now - began).count()));
    auto vectors = posted ? read(*posted, texts.size()) : Asked(posted.error());
    if (vectors) {
      breaker_.succeeded();
      co_return vectors;
    }
    const auto& failure = vectors.error();
    if (failure.reason == EmbeddingFailure::refused) {  // it is well, and does not want this
      breaker_.succeeded();
      co_return vectors;
    }
    if (failure.reason == EmbeddingFailure::rate_limited) {
      breaker_.succeeded();
      const auto until = now + failure.retry_after.value_or(kUnknownRetryAfter);
      held_until_.store(until.time_since_epoch().count());
    } else {
      breaker_.failed(now, random_bits());
    }
    if (!stopping()) log_failure(failure, now);
    co_return failed(failure);
  }

  Asked read(const HttpAnswer& posted, std::size_t texts) const {
    if (posted.status == 200) {
      auto vectors = parse_answer(posted.body, texts, options_.dimensions);
      if (vectors) return std::move(*vectors);
      return Failure{EmbeddingFailure::answer, vectors.error().message, std::nullopt};
    }
    const auto what = "it answered with status " + std::to_string(posted.status);
    const bool refused = posted.status == 400 || posted.status == 413 || posted.status == 422;
    const auto reason = posted.status == 429 ? EmbeddingFailure::rate_limited
                        : refused            ? EmbeddingFailure::refused
                                             : EmbeddingFailure::status;
    return Failure{reason, what, posted.retry_after};
  }

  Failure failed(Failure failure) {
    probe_.failures[failure.reason].add();
    return failure;
  }

  void log_failure(const Failure& failure, SteadyTime now) {
    if (last_log_ && now - *last_log_ < kLogInterval) return;
    last_log_ = now;
    log::warn("embedding server: {}; messages are found by keyword until it answers", failure.what);
  }

  // Constant after construction
  const Options options_;
  const std::string api_key_;
  const std::string target_;
  const Clock& clock_;
  metrics::EmbeddingProbe& probe_;
  const std::unique_ptr<asio::ssl::context> tls_;

  // Guarded by mutex_
  std::mutex mutex_;
  Queue queries_, items_;
  bool stopping_ = false;

  // Thread-safe
  flush::CircuitBreaker breaker_;
  std::atomic<SteadyTime::rep> held_until_{SteadyTime::min().time_since_epoch().count()};

  // Owned by the embedding thread
  std::optional<SteadyTime> last_log_;
  asio::io_context context_{1};
  std::vector<std::unique_ptr<Lane>> lanes_;
  std::thread thread_;
};

RemoteEmbedder::RemoteEmbedder(const Options& options, std::string api_key, const Clock& clock,
                               metrics::EmbeddingProbe& probe)
    : client_(std::make_unique<Client>(options, std::move(api_key), clock, probe)) {}

RemoteEmbedder::~RemoteEmbedder() = default;

void RemoteEmbedder::request(std::vector<Request> requests, Purpose purpose, SteadyTime deadline) {
  client_->request(std::move(requests), purpose, deadline);
}

asio::awaitable<RemoteEmbedder::Answer> RemoteEmbedder::embed_query(std::string text) {
  struct Waiting {
    explicit Waiting(asio::any_io_executor executor) : timer(std::move(executor)) {}
    asio::steady_timer timer;
    std::size_t left = 0;
    std::vector<text::Embedding> vectors;
    std::vector<double> weights;
    std::optional<Error> refused, failed;
  };
  const auto waiting = std::make_shared<Waiting>(co_await asio::this_coro::executor);
  const auto deadline = std::chrono::steady_clock::now() + query_deadline();
  std::vector<Request> requests;
  for (const auto chunk : evenly_spread(chunks_to_embed(text, options(), {.overlap = 0}),
                                        std::min(kMostQueryChunks, options().max_batch))) {
    // Posted to the caller's thread, so it cannot arrive before the wait below has begun.
    Done done = [waiting, weight = static_cast<double>(chunk.size())](Answer answer) {
      asio::post(waiting->timer.get_executor(), [waiting, weight, answer = std::move(answer)]() mutable {
        --waiting->left;
        if (answer) {
          waiting->vectors.push_back(std::move(*answer));
          waiting->weights.push_back(weight);
        } else {
          const bool for_good = answer.error().kind == ErrorKind::permanent;
          (for_good ? waiting->refused : waiting->failed) = answer.error();
        }
        if (waiting->left == 0 || waiting->failed) waiting->timer.cancel();
      });
    };
    requests.push_back({std::string(chunk), std::move(done)});
  }
  waiting->left = requests.size();
  request(std::move(requests), Purpose::query, deadline);
  waiting->timer.expires_at(deadline);
  co_await waiting->timer.async_wait(asio::as_tuple(asio::use_awaitable));
  if (waiting->failed) co_return *waiting->failed;
  if (waiting->left > 0) co_return retryable("the embedding server did not answer in time");
  if (waiting->vectors.empty()) co_return waiting->refused.value_or(permanent("there is nothing to embed"));
  // Their order is that of the answers, and a sum's last bit may depend on it: quantised, that is gone.
  co_return text::weighted_mean(waiting->vectors, waiting->weights);
}

milliseconds RemoteEmbedder::query_deadline() const {
  return std::min(kQueryDeadline, client_->options().timeout);
}

bool RemoteEmbedder::available() const {
  return client_->available();
}

const flush::CircuitBreaker& RemoteEmbedder::breaker() const {
  return client_->breaker();
}

const Options& RemoteEmbedder::options() const {
  return client_->options();
}

void RemoteEmbedder::stop() {
  client_->stop();
}

}  // namespace holdfast::embedding
