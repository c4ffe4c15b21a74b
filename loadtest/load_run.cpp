#include "load_run.hpp"

#include <unistd.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "daemon_metrics.hpp"
#include "process_usage.hpp"
#include "recorder.hpp"
#include "requests.hpp"

namespace loadtest {
namespace {

namespace asio = boost::asio;
using Json = nlohmann::json;
using std::chrono::steady_clock;

constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);
constexpr std::uint64_t kArrivalSeed = 7;
constexpr double kIntervals = 240;                    // of the series, at most
constexpr auto kPatience = std::chrono::seconds(30);  // for answers after the end
constexpr auto kShortestInterval = std::chrono::milliseconds(250);

void rethrow(const std::exception_ptr& error) {
  if (error) std::rethrow_exception(error);
}

Time after(Time begin, std::chrono::duration<double> wait) {
  return begin + std::chrono::duration_cast<Duration>(wait);
}

class Run {
 public:
  Run(const Address& address, pid_t daemon, const Scenario& scenario,
      const std::function<void(const Progress&)>& report_progress)
      : address_(address),
        daemon_(daemon),
        scenario_(scenario),
        report_progress_(report_progress),
        requests_(address, scenario),
        starts_(steady_clock::now()),
        begins_(after(starts_, scenario.warm_up)),
        ends_(after(begins_, scenario.duration)),
        pacer_(scenario.open_loop ? Pacer({starts_, ends_}, steady_clock::now, scenario.requests_per_second(),
                                          scenario.arrivals, kArrivalSeed)
                                  : Pacer({starts_, ends_}, steady_clock::now)),
        recorder_(begins_, scenario.messages_per_add) {}

  Json go() {
    working_ = scenario_.connections;
    for (std::size_t i = 0; i < scenario_.connections; ++i) asio::co_spawn(context_, send(), rethrow);
    asio::co_spawn(context_, watch(), rethrow);
    context_.run_until(ends_ + kPatience);
    return outcome();
  }

 private:
  asio::awaitable<void> send() {
    HttpConnection connection(context_, address_);
    asio::steady_timer timer(context_);
    while (const auto turn = pacer_.next()) {
      const auto request = requests_.next();
      if (turn->expired) {
        recorder_.unsent(request.operation, turn->due, steady_clock::now());
        continue;
      }
      if (turn->due > steady_clock::now()) {
        timer.expires_at(turn->due);
        co_await timer.async_wait(kTuple);
      }
      const auto sent = steady_clock::now();
      const auto response = co_await connection.exchange(request.bytes);
      recorder_.answered(request.operation, turn->due, sent, steady_clock::now(), response.status);
      if (response.status == 0) {  // a refused connection fails at once: no spinning on it
        timer.expires_after(std::chrono::milliseconds(10));
        co_await timer.async_wait(kTuple);
      }
    }
    --working_;
    last_done_ = steady_clock::now();
  }

  // Reads the daemon's figures at the beginning of the measured time, then one sample an interval.
  asio::awaitable<void> watch() {
    HttpConnection connection(context_, address_);
    const auto metrics_request = make_request("GET", "/metrics", {});
    asio::steady_timer timer(context_);
    while (steady_clock::now() < begins_) {
      tell();
      timer.expires_at(std::min(begins_, steady_clock::now() + kShortestInterval));
      co_await timer.async_wait(kTuple);
    }
    const auto at_begin = co_await connection.exchange(metrics_request);
    before_ = parse_metrics(at_begin.body);
    usage_before_ = usage_ = read_usage(daemon_);
    own_before_ = read_usage(getpid());
    const auto interval =
        std::max<Duration>(kShortestInterval, (ends_ - begins_) / static_cast<int>(kIntervals));
    for (auto next = begins_ + interval; working_ > 0 && next <= ends_; next += interval) {
      timer.expires_at(next);
      co_await timer.async_wait(kTuple);
      sample();
      tell();
    }
    own_after_ = read_usage(getpid());
  }

  void sample() {
    const auto now = steady_clock::now();
    auto point = recorder_.close_interval(now);
    const auto usage = read_usage(daemon_);
    const double seconds = std::chrono::duration<double>(now - sampled_).count();
    point["resident_mb"] = usage ? Json(usage->resident_mb) : Json(nullptr);
    point["cpu_cores"] =
        usage && usage_ ? Json((usage->cpu_seconds - usage_->cpu_seconds) / seconds) : Json(nullptr);
    usage_ = usage;
    sampled_ = now;
    series_.push_back(std::move(point));
  }

  void tell() {
    const double share = std::chrono::duration<double>(steady_clock::now() - starts_) /
                         std::chrono::duration<double>(ends_ - starts_);
    report_progress_({std::min(share, 1.0), recorder_.all(), recorder_.all() - recorder_.good()});
  }

  Json outcome() {
    const auto metrics = parse_metrics(fetch(address_, "GET", "/metrics").body);
    // What was due in the window may have been answered after it: rates are over the time it took.
    const double seconds = std::chrono::duration<double>(std::max(ends_, last_done_) - begins_).count();
    auto result = recorder_.summary(seconds);
    result["seconds"] = seconds;
    result["unanswered"] = working_;
    result["components"] = component_latencies(before_, metrics);
    result["indicators"] = indicators(before_, metrics);
    result["cache_hit_rate"] = cache_hit_rate(before_, metrics);
    const auto health = Json::parse(fetch(address_, "GET", "/health/performance").body, nullptr, false);
    result["health"] = health.is_object() && health.contains("checks") ? health["checks"] : Json(nullptr);
    result["commit"] = commit_of(metrics);
    const double window = std::chrono::duration<double>(ends_ - begins_).count();
    result["generator"] = {
        {"cpu_cores", own_before_ && own_after_
                          ? Json((own_after_->cpu_seconds - own_before_->cpu_seconds) / window)
                          : Json(nullptr)}};
    result["daemon"] = daemon_figures();
    result["series"] = series_;
    return result;
  }

  Json daemon_figures() const {
    if (!usage_before_ || series_.empty()) return nullptr;
    double peak = usage_before_->resident_mb, busiest = 0, cpu = 0;
    for (const auto& point : series_) {
      if (point["resident_mb"].is_null() || point["cpu_cores"].is_null()) return nullptr;
      peak = std::max(peak, point["resident_mb"].get<double>());
      busiest = std::max(busiest, point["cpu_cores"].get<double>());
      cpu += point["cpu_cores"].get<double>() / static_cast<double>(series_.size());
    }
    return {{"resident_mb",
             {{"start", usage_before_->resident_mb}, {"peak", peak}, {"end", series_.back()["resident_mb"]}}},
            {"cpu_cores", {{"mean", cpu}, {"peak", busiest}}}};
  }

  static Json commit_of(const MetricSamples& metrics) {
    const auto found = metrics.lower_bound("holdfast_build_info{");
    if (found == metrics.end()) return nullptr;
    const std::string mark = "commit=\"";
    const auto at = found->first.find(mark);
    if (at == std::string::npos) return nullptr;
    const auto begin = at + mark.size();
    return found->first.substr(begin, found->first.find('"', begin) - begin);
  }

  // Constant after construction
  const Address& address_;
  const pid_t daemon_;
  const Scenario& scenario_;
  const std::function<void(const Progress&)>& report_progress_;
  Requests requests_;  // takes its time, so it is before the times
  const Time starts_, begins_, ends_;
  // Changed while the context runs
  asio::io_context context_{1};
  Pacer pacer_;
  Recorder recorder_;
  std::size_t working_ = 0;
  Time last_done_{};
  MetricSamples before_;
  std::optional<ProcessUsage> usage_before_, usage_, own_before_, own_after_;
  Time sampled_ = begins_;
  Json series_ = Json::array();
};

}  // namespace

Json run_load(const Address& address, pid_t daemon, const Scenario& scenario,
              const std::function<void(const Progress&)>& report_progress) {
  return Run(address, daemon, scenario, report_progress).go();
}

}  // namespace loadtest
