#include "holdfast/metrics/history.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "holdfast/metrics/window.hpp"
#include "set_clock.hpp"

namespace holdfast::metrics {
namespace {

using namespace std::chrono_literals;

class HistoryTest : public testing::Test {
 protected:
  // One message in the first second of each of so many intervals, written in as many milliseconds as its
  // number.
  void live_through(int intervals, WindowHistory& history) {
    for (int i = 1; i <= intervals; ++i) {
      shard_.messages.add();
      shard_.write_ns.record(static_cast<std::uint64_t>(i) * 1'000'000);
      clock_.advance(5s);
      history.take({});
    }
  }
  static std::uint64_t messages(const std::vector<WindowHistory::Row>& rows) {
    std::uint64_t sum = 0;
    for (const auto& row : rows) sum += row.summary.messages;
    return sum;
  }

  Probes probes_{1};
  SetClock clock_;
  ShardProbe& shard_ = *probes_.shards[0];
  WindowHistory history_{probes_, Options{5s, 60s, 1h}, Capacity{2, 4.0, 1'000}, clock_};
};

TEST_F(HistoryTest, NothingBeforeTheFirstInterval) {
  EXPECT_TRUE(history_.rows(1h).empty());
  history_.take({});
  EXPECT_TRUE(history_.rows(1h).empty());
}

TEST_F(HistoryTest, WithinTheWindowARowIsAnInterval) {
  history_.take({});
  live_through(6, history_);
  const auto rows = history_.rows(30s);
  ASSERT_EQ(rows.size(), 6u);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    EXPECT_EQ(rows[i].summary.covers, 5s);
    EXPECT_EQ(rows[i].summary.messages, 1u);
    EXPECT_NEAR(rows[i].summary.write->p95_ms, static_cast<double>(i + 1), 0.13 * static_cast<double>(i + 1));
  }
  EXPECT_EQ(history_.rows(10s).size(), 2u);
}

TEST_F(HistoryTest, BeforeTheWindowARowIsAWindow) {
  history_.take({});
  live_through(60, history_);  // 5 minutes
  const auto rows = history_.rows(1h);
  EXPECT_EQ(messages(rows), 60u);
  ASSERT_EQ(rows.size(), 5u);
  for (std::size_t i = 0; i + 1 < rows.size(); ++i) EXPECT_EQ(rows[i].summary.covers, 60s);
  EXPECT_EQ(rows.back().summary.covers, 60s);
  // The percentiles are of the row's own time: of the messages 13…24.
  EXPECT_NEAR(rows[1].summary.write->p99_ms, 24.0, 3.1);
  EXPECT_NEAR(rows[1].summary.write->p50_ms, 18.0, 2.3);
}

TEST_F(HistoryTest, ASummaryGoesAsFarBackAsItIsAsked) {
  history_.take({});
  live_through(60, history_);
  EXPECT_EQ(history_.summary().messages, 12u);
  EXPECT_EQ(history_.summary(30s).messages, 6u);
  EXPECT_EQ(history_.summary(120s).messages, 24u);
  EXPECT_EQ(history_.summary(130s).messages, 36u);  // the next older sample that is kept
  EXPECT_EQ(history_.summary(1h).messages, 60u);
  EXPECT_EQ(history_.summary(1h).covers, 300s);
}

TEST_F(HistoryTest, WhatIsOlderThanTheRetentionIsForgotten) {
  history_.take({});
  live_through(2'000, history_);  // 10,000 s
  const auto rows = history_.rows(24h);
  EXPECT_GE(messages(rows), 720u);  // an hour
  EXPECT_LE(messages(rows), 720u + 24u);
}

TEST_F(HistoryTest, ALongRetentionIsKeptInRowsFurtherApart) {
  WindowHistory history(probes_, Options{5s, 60s, 720h}, Capacity{}, clock_);
  history.take({});
  live_through(12'000, history);  // 60,000 s
  const auto rows = history.rows(720h);
  EXPECT_EQ(messages(rows), 12'000u);
  // A 512th of 720 h is 5,062 s.
  EXPECT_LE(rows.size(), 14u);
  EXPECT_GE(rows.size(), 11u);
}

TEST_F(HistoryTest, EveryMetricHasItsOwnNameAndAUnit) {
  std::set<std::string_view> names;
  for (const auto& metric : history_metrics()) {
    EXPECT_TRUE(names.insert(metric.name).second) << metric.name;
    EXPECT_FALSE(metric.unit.empty()) << metric.name;
  }
  // Those of the seed.
  for (const char* name : {"messages_per_minute", "write_p50", "write_p95", "memory_bytes", "cache_hit_rate",
                           "error_percentage", "worker_utilization"}) {
    EXPECT_TRUE(names.contains(name)) << name;
  }
}

TEST_F(HistoryTest, MetricsReadTheSummary) {
  Summary summary;
  summary.messages_per_minute = 3;
  summary.write = Latency{1, 1, 2, 3, 4, 5};
  summary.cache_hit_rate = 0.5;
  const auto value = [&](std::string_view name) -> std::optional<double> {
    for (const auto& metric : history_metrics()) {
      if (metric.name == name) return metric.read(summary);
    }
    return -1.0;
  };
  EXPECT_EQ(value("messages_per_minute"), 3);
  EXPECT_EQ(value("write_p50"), 2);
  EXPECT_EQ(value("write_p95"), 4);
  EXPECT_EQ(value("write_p99"), 5);
  EXPECT_EQ(value("query_p50"), std::nullopt);
  EXPECT_EQ(value("cache_hit_rate"), 0.5);
  EXPECT_EQ(value("worker_utilization"), std::nullopt);
}

}  // namespace
}  // namespace holdfast::metrics
