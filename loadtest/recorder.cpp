#include "recorder.hpp"

#include <algorithm>

namespace loadtest {
namespace {

double in_ms(Duration duration) {
  return std::chrono::duration<double, std::milli>(duration).count();
}

}  // namespace

nlohmann::json to_json(const LatencyHistogram& histogram) {
  auto buckets = nlohmann::json::array();
  for (const auto& [end, count] : histogram.buckets()) buckets.push_back({in_ms(end), count});
  return {{"count", histogram.count()},
          {"mean", in_ms(histogram.mean())},
          {"p50", in_ms(histogram.percentile(0.5))},
          {"p90", in_ms(histogram.percentile(0.9))},
          {"p95", in_ms(histogram.percentile(0.95))},
          {"p99", in_ms(histogram.percentile(0.99))},
          {"max", in_ms(histogram.max())},
          {"buckets", buckets}};
}

void Recorder::answered(Operation operation, Time due, Time sent, Time done, unsigned status) {
  if (due < begin_) return;
  auto& of_kind = operations_[static_cast<std::size_t>(operation)];
  of_kind.latency.record(done - due);
  interval_.record(done - due);
  send_delay_.record(sent - due);
  ++all_;
  if (status / 100 == 2) {
    ++of_kind.good;
    ++good_;
  } else {
    ++errors_[status == 0 ? "connection" : std::to_string(status)];
  }
}

void Recorder::unsent(Operation operation, Time due, Time now) {
  if (due < begin_) return;
  operations_[static_cast<std::size_t>(operation)].latency.record(now - due);
  interval_.record(now - due);
  ++all_;
  ++unsent_;
}

nlohmann::json Recorder::close_interval(Time now) {
  const double seconds = std::chrono::duration<double>(now - interval_began_).count();
  nlohmann::json point{{"t", std::chrono::duration<double>(now - begin_).count()},
                       {"per_second", seconds > 0 ? static_cast<double>(interval_.count()) / seconds : 0},
                       {"p99_ms", in_ms(interval_.percentile(0.99))}};
  interval_.clear();
  interval_began_ = now;
  return point;
}

nlohmann::json Recorder::summary(double seconds) const {
  auto by_operation = nlohmann::json::object();
  double worst = 0;
  for (std::size_t i = 0; i < operations_.size(); ++i) {
    const auto& one = operations_[i];
    if (one.latency.count() == 0) continue;
    by_operation[kOperationNames[i]] = {{"good", one.good},
                                        {"per_second", static_cast<double>(one.good) / seconds},
                                        {"latency_ms", to_json(one.latency)}};
    worst = std::max(worst, in_ms(one.latency.percentile(0.99)));
  }
  const auto added = static_cast<double>(operations_[0].good * messages_per_add_);
  const double bad = all_ == 0 ? 0 : static_cast<double>(all_ - good_) / static_cast<double>(all_);
  return {{"operations", by_operation},
          {"messages_per_second", added / seconds},
          {"messages_per_minute", 60 * added / seconds},
          {"requests_per_second", static_cast<double>(good_) / seconds},
          {"errors", errors_},
          {"unsent", unsent_},
          {"error_share", bad},
          {"worst_p99_ms", worst},
          {"send_delay_ms",
           {{"p50", in_ms(send_delay_.percentile(0.5))}, {"p99", in_ms(send_delay_.percentile(0.99))}}}};
}

}  // namespace loadtest
