#include "metrics/families.hpp"

#include <array>
#include <utility>

namespace holdfast::metrics {

namespace {

using prometheus::ClientMetric;
using prometheus::MetricType;

constexpr double kNanosecondsPerSecond = 1e9;

constexpr std::array<std::uint64_t, 16> kDurationBounds = {
    100'000,       250'000,       500'000,       1'000'000,     2'500'000,   5'000'000,
    10'000'000,    25'000'000,    50'000'000,    100'000'000,   250'000'000, 500'000'000,
    1'000'000'000, 2'500'000'000, 5'000'000'000, 10'000'000'000};

constexpr std::array<std::uint64_t, 16> kShortDurationBounds = {
    250,     500,       1'000,     2'500,      5'000,       10'000,      25'000,        100'000,
    500'000, 1'000'000, 5'000'000, 25'000'000, 100'000'000, 500'000'000, 1'000'000'000, 2'500'000'000};

constexpr std::array<std::uint64_t, 11> kSizeBounds = {1, 2, 4, 7, 15, 31, 63, 127, 255, 511, 1023};

}  // namespace

Family::Family(std::string name, std::string help, MetricType type) {
  family_.name = std::move(name);
  family_.help = std::move(help);
  family_.type = type;
}

void Family::add(double value, std::vector<Label> labels) {
  ClientMetric sample;
  sample.label = std::move(labels);
  if (family_.type == MetricType::Counter) {
    sample.counter.value = value;
  } else {
    sample.gauge.value = value;
  }
  family_.metric.push_back(std::move(sample));
}

void Family::add(const std::optional<double>& value, std::vector<Label> labels) {
  if (value) add(*value, std::move(labels));
}

void Family::add_histogram(const HistogramSnapshot& histogram, std::span<const std::uint64_t> bounds,
                           double per_unit, std::vector<Label> labels) {
  ClientMetric sample;
  sample.label = std::move(labels);
  sample.histogram.sample_count = histogram.count;
  sample.histogram.sample_sum = static_cast<double>(histogram.sum) / per_unit;
  for (const auto bound : bounds) {
    sample.histogram.bucket.push_back(
        {histogram.count_at_most(bound), static_cast<double>(bound) / per_unit});
  }
  family_.metric.push_back(std::move(sample));
}

void Family::add_summary(std::uint64_t count, double sum) {
  ClientMetric sample;
  sample.summary.sample_count = count;
  sample.summary.sample_sum = sum;
  family_.metric.push_back(std::move(sample));
}

void Families::add(Family family) {
  if (!family.empty()) families_.push_back(std::move(family).take());
}

void Families::counter(std::string name, std::string help, const std::optional<double>& value) {
  Family family(std::move(name), std::move(help), MetricType::Counter);
  family.add(value);
  add(std::move(family));
}

void Families::gauge(std::string name, std::string help, const std::optional<double>& value) {
  Family family(std::move(name), std::move(help), MetricType::Gauge);
  family.add(value);
  add(std::move(family));
}

void Families::durations(std::string name, std::string help, const HistogramSnapshot& ns) {
  Family family(std::move(name), std::move(help), MetricType::Histogram);
  add_durations(family, ns, {});
  add(std::move(family));
}

void Families::sizes(std::string name, std::string help, const HistogramSnapshot& counts) {
  Family family(std::move(name), std::move(help), MetricType::Histogram);
  family.add_histogram(counts, kSizeBounds, 1.0);
  add(std::move(family));
}

void add_durations(Family& family, const HistogramSnapshot& ns, std::vector<Label> labels) {
  family.add_histogram(ns, kDurationBounds, kNanosecondsPerSecond, std::move(labels));
}

void add_short_durations(Family& family, const HistogramSnapshot& ns, std::vector<Label> labels) {
  family.add_histogram(ns, kShortDurationBounds, kNanosecondsPerSecond, std::move(labels));
}

}  // namespace holdfast::metrics
