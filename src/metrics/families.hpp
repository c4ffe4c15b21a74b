// Building blocks of an export: a metric family from plain numbers.
#pragma once

#include <prometheus/metric_family.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "holdfast/metrics/histogram.hpp"
#include "holdfast/metrics/probes.hpp"
#include "metrics/totals.hpp"

namespace holdfast::metrics {

using Label = prometheus::ClientMetric::Label;

// One family of samples of one type. Samples are added in the order of their labels.
class Family {
 public:
  Family(std::string name, std::string help, prometheus::MetricType type);

  void add(double value, std::vector<Label> labels = {});
  // Left out when there is no value.
  void add(const std::optional<double>& value, std::vector<Label> labels = {});
  // bounds: inclusive, ascending, in the histogram's own unit; exported divided by per_unit, as is the sum.
  void add_histogram(const HistogramSnapshot& histogram, std::span<const std::uint64_t> bounds,
                     double per_unit, std::vector<Label> labels = {});
  // A summary without quantiles: how many, and their sum.
  void add_summary(std::uint64_t count, double sum);

  prometheus::MetricFamily take() && { return std::move(family_); }
  bool empty() const { return family_.metric.empty(); }

 private:
  prometheus::MetricFamily family_;
};

// The families of one scrape, in order. A family without a sample is dropped.
class Families {
 public:
  void add(Family family);

  void counter(std::string name, std::string help, const std::optional<double>& value);
  void gauge(std::string name, std::string help, const std::optional<double>& value);

  // read(label) for each label of the closed set Enum.
  template <class Enum, class Read>
  void counters(std::string name, std::string help, const char* label_name, Read read) {
    add(by_label<Enum>(std::move(name), std::move(help), prometheus::MetricType::Counter, label_name, read));
  }
  template <class Enum, class Read>
  void gauges(std::string name, std::string help, const char* label_name, Read read) {
    add(by_label<Enum>(std::move(name), std::move(help), prometheus::MetricType::Gauge, label_name, read));
  }

  // Nanoseconds in, seconds out; 16 bounds from 100 µs to 10 s.
  void durations(std::string name, std::string help, const HistogramSnapshot& ns);
  // Counts; bounds at the ends of octaves up to 1,023, where the counts are exact.
  void sizes(std::string name, std::string help, const HistogramSnapshot& counts);

  std::vector<prometheus::MetricFamily> take() && { return std::move(families_); }

 private:
  template <class Enum, class Read>
  static Family by_label(std::string name, std::string help, prometheus::MetricType type,
                         const char* label_name, Read read) {
    Family family(std::move(name), std::move(help), type);
    for_each_label<Enum>([&](Enum label) {
      family.add(static_cast<double>(read(label)), {{label_name, std::string(to_string(label))}});
    });
    return family;
  }

  std::vector<prometheus::MetricFamily> families_;
};

// A histogram of durations as in Families::durations, one sample of a family with labels.
void add_durations(Family& family, const HistogramSnapshot& ns, std::vector<Label> labels);
// The same for what may take less than a microsecond: 16 bounds from 250 ns to 2.5 s.
void add_short_durations(Family& family, const HistogramSnapshot& ns, std::vector<Label> labels);

}  // namespace holdfast::metrics
