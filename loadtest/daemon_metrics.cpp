#include "daemon_metrics.hpp"

#include <sstream>
#include <vector>

namespace loadtest {
namespace {

struct Component {
  const char* name;
  // Histograms or summaries of seconds, the first one exported is taken; labels as written in the exposition.
  std::vector<std::pair<std::string, std::string>> metrics;
};

std::pair<std::string, std::string> timed(const std::string& component) {
  return {"holdfast_component_duration_seconds", "{component=\"" + component + "\"}"};
}

const std::vector<Component>& components() {
  static const std::vector<Component> all{
      {"write request", {{"holdfast_write_duration_seconds", ""}}},
      {"journal sync", {{"holdfast_journal_sync_duration_seconds", ""}}},
      {"http parse", {timed("http_parse")}},
      {"journal wait", {timed("journal_wait")}},
      {"round add", {timed("round")}},
      {"token count", {timed("token_count")}},
      {"threshold check", {timed("threshold_check")}},
      {"transfer", {timed("transfer")}},
      {"embedding", {timed("embedding")}},
      {"flush", {timed("flush")}},
      {"store write", {timed("store"), {"holdfast_store_write_duration_seconds", ""}}},
      {"cached query", {{"holdfast_query_duration_seconds", "{outcome=\"hit\"}"}}},
      {"searched query", {{"holdfast_query_duration_seconds", "{outcome=\"miss\"}"}}},
      {"cache check", {timed("cache_check")}},
      {"multi-source query", {timed("multi_source_query")}},
      {"aggregation", {timed("aggregation")}}};
  return all;
}

double at(const MetricSamples& samples, const std::string& key) {
  const auto found = samples.find(key);
  return found == samples.end() ? 0 : found->second;
}

double grown(const MetricSamples& before, const MetricSamples& after, const std::string& key) {
  return at(after, key) - at(before, key);
}

// Over all labels of a counter.
double grown_in_all(const MetricSamples& before, const MetricSamples& after, const std::string& name) {
  double sum = 0;
  for (auto sample = after.lower_bound(name + "{");
       sample != after.end() && sample->first.starts_with(name + "{"); ++sample) {
    sum += sample->second - at(before, sample->first);
  }
  return sum;
}

nlohmann::json share(double part, double whole) {
  return whole > 0 ? nlohmann::json(part / whole) : nlohmann::json(nullptr);
}

}  // namespace

MetricSamples parse_metrics(const std::string& text) {
  MetricSamples samples;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const auto space = line.rfind(' ');
    if (line.empty() || line[0] == '#' || space == std::string::npos) continue;
    std::istringstream number(line.substr(space + 1));
    if (double value = 0; number >> value) samples[line.substr(0, space)] = value;
  }
  return samples;
}

nlohmann::json component_latencies(const MetricSamples& before, const MetricSamples& after) {
  auto all = nlohmann::json::object();
  for (const auto& component : components()) {
    auto& entry = all[component.name];
    entry = {{"metric", nullptr}, {"count", 0}, {"mean_ms", nullptr}};
    for (const auto& [name, labels] : component.metrics) {
      if (!after.contains(name + "_count" + labels)) continue;
      const double count = grown(before, after, name + "_count" + labels);
      entry["metric"] = name + labels;
      entry["count"] = count;
      entry["mean_ms"] = share(1000 * grown(before, after, name + "_sum" + labels), count);
      break;
    }
  }
  return all;
}

nlohmann::json cache_hit_rate(const MetricSamples& before, const MetricSamples& after) {
  const std::string name = "holdfast_cache_lookups_total";
  const double hits = grown(before, after, name + "{outcome=\"hit\"}");
  return share(hits, hits + grown(before, after, name + "{outcome=\"miss\"}"));
}

nlohmann::json indicators(const MetricSamples& before, const MetricSamples& after) {
  const std::string answers = "holdfast_store_answers_total";
  return {{"transferred_rounds", grown_in_all(before, after, "holdfast_transferred_rounds_total")},
          {"stored_messages", grown(before, after, "holdfast_stored_messages_total")},
          {"journal_group_records", share(grown(before, after, "holdfast_journal_group_records_sum"),
                                          grown(before, after, "holdfast_journal_group_records_count"))},
          {"batch_messages", share(grown(before, after, "holdfast_batch_messages_sum"),
                                   grown(before, after, "holdfast_batch_messages_count"))},
          {"flush_success_rate", share(grown(before, after, answers + "{outcome=\"stored\"}"),
                                       grown_in_all(before, after, answers))},
          {"buffer_utilization", at(after, "holdfast_buffer_utilization")},
          {"cache_bytes", at(after, "holdfast_cache_bytes")},
          {"memory_limit_bytes", at(after, "holdfast_memory_limit_bytes")}};
}

}  // namespace loadtest
