#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "fakes/temporary_directory.hpp"
#include "holdfast/metrics/accounted.hpp"
#include "holdfast/metrics/exporter.hpp"
#include "set_clock.hpp"

namespace holdfast::metrics {
namespace {

using namespace std::chrono_literals;
using prometheus::MetricType;
using testing::HasSubstr;
using testing::Not;

class ExportTest : public testing::Test {
 protected:
  // A daemon that has seen one of everything.
  void fill() {
    window_.take(read_process_usage({}));
    for (auto& shard : probes_.shards) fill(*shard);
    fill(probes_.journal);
    probes_.embedding.requests.add(6);
    probes_.embedding.texts.add(60);
    probes_.embedding.request_ns.record(20'000'000);
    probes_.embedding.failures[EmbeddingFailure::timeout].add(2);
    probes_.embedding.waiting.add(3);
    probes_.embedding.pending.set(17);
    probes_.embedding.back_filled.add(40);
    probes_.flush.queued.add(9);
    probes_.flush.taken.add(4);
    probes_.flush.busy_ns.add(1'500'000'000);
    probes_.flush.busy_workers.add(2);
    probes_.flush.write_ns_sum.add(1'500'000'000);
    probes_.flush.writes.add(3);
    probes_.flush.components[TimedComponent::store].record(3'000'000);
    clock_.advance(10s);
    window_.take(read_process_usage({}));
  }

  static void fill(JournalProbe& journal) {
    journal.records.add(100);
    journal.bytes.add(25'600);
    journal.sync_ns.record(3'000'000);
    journal.group_records.record(50);
    journal.segments.set(2);
    journal.disk_bytes.set(1 << 20);
    journal.unacknowledged.set(12);
  }

  void fill(ShardProbe& shard) const {
    for (const auto stage : {Stage::round_buffer, Stage::hybrid_buffer, Stage::in_flight}) {
      shard.stages[stage].enter(5, 500);
      shard.stages[stage].leave(2, 200);
    }
    shard.transfers[TransferReason::rounds].add(4);
    shard.flushes[FlushReason::size].add(3);
    shard.refused[RefusalReason::memory_budget].add(1);
    shard.retries[RetryReason::store_retryable].add(1);
    shard.dead[DeadReason::session_gone].add(1);
    shard.flushed_batches.add(3);
    shard.failed_batches.add(1);
    shard.stored_messages.add(15);
    shard.batch_messages.record(5);
    shard.messages.add(20);
    shard.message_bytes.add(2'000);
    shard.tokens.add(400);
    shard.oldest_unflushed_ns.set(
        static_cast<std::uint64_t>(std::chrono::nanoseconds(clock_.steady_now().time_since_epoch()).count()));
    shard.write_ns.record(2'000'000);
    shard.query_hit_ns.record(200'000);
    shard.query_miss_ns.record(20'000'000);
    shard.request_ns[Route::messages_add].record(2'000'000);
    shard.responses[Route::messages_add][2].add(20);
    shard.cache[CacheOutcome::hit].add(1);
    shard.cache[CacheOutcome::miss].add(1);
    shard.query_cache.entries.set(1);
    shard.query_cache.bytes.set(4'096);
    shard.query_cache.merged.add(1);
    shard.embedding_cache_hits.add(3);
    shard.embedding_cache_misses.add(2);
    shard.searches_joined.add(2);
    shard.query_cache.verified.add(50);
    shard.query_cache.false_hits.add(1);
    shard.query_cache.threshold_ppm.set(975'000);
    shard.predicted_queries.add(6);
    shard.speculative_buffer.bytes.set(512);
    shard.connections.set(7);
    shard.components[TimedComponent::round].record(400);
    shard.pool_taken.add(4);
    shard.pool_reused.add(3);
    shard.pool_used_bytes.set(16'384);
    shard.pool_most_used_bytes.set(65'536);
    shard.pool_idle_bytes.set(32'768);
  }

  Exporter exporter() {
    return Exporter(probes_, window_, clock_, fixed_, [this] { return live_; });
  }
  std::string scrape() { return exporter().scrape(); }

  TemporaryDirectory directory_;
  Probes probes_{2};
  SetClock clock_;
  WindowHistory window_{probes_, Options{}, Capacity{3, 2.0, 1'000'000}, clock_};
  Fixed fixed_{"0.1.0",
               "abc1234",
               "fsync",
               3,
               100,
               8'000'000'000,
               {"/proc", "/sys/fs/cgroup", {{"journal", directory_.path()}}}};
  Live live_{true, false, 1, true, true, StoreCounts{1, 2, 3, 4, 5}};

  ExportTest() {
    live_.buffer_limit_bytes = 1'000'000;
    live_.flush_deadline = 180s;
  }
};

TEST_F(ExportTest, EveryNameHasThePrefixAHelpAndTheSuffixOfItsType) {
  fill();
  std::set<std::string> names;
  for (const auto& family : exporter().Collect()) {
    EXPECT_TRUE(family.name.starts_with("holdfast_")) << family.name;
    EXPECT_FALSE(family.help.empty()) << family.name;
    EXPECT_FALSE(family.metric.empty()) << family.name;
    EXPECT_EQ(family.type == MetricType::Counter, family.name.ends_with("_total")) << family.name;
    EXPECT_TRUE(names.insert(family.name).second) << family.name << " twice";
  }
}

TEST_F(ExportTest, NoTwoSamplesOfAFamilyShareTheirLabels) {
  fill();
  for (const auto& family : exporter().Collect()) {
    std::set<std::vector<prometheus::ClientMetric::Label>> seen;
    for (const auto& sample : family.metric) EXPECT_TRUE(seen.insert(sample.label).second) << family.name;
  }
}

TEST_F(ExportTest, CountersAreSumsOverShards) {
  fill();
  const auto text = scrape();
  for (const char* line : {
           "holdfast_stage_items_in_total{stage=\"hybrid_buffer\"} 10\n",
           "holdfast_stage_items_out_total{stage=\"hybrid_buffer\"} 4\n",
           "holdfast_stage_bytes_in_total{stage=\"in_flight\"} 1000\n",
           "holdfast_stage_bytes_out_total{stage=\"in_flight\"} 400\n",
           "holdfast_transferred_rounds_total{reason=\"rounds\"} 8\n",
           "holdfast_flushes_total{reason=\"size\"} 6\n",
           "holdfast_refused_requests_total{reason=\"memory_budget\"} 2\n",
           "holdfast_retried_batches_total{reason=\"store_retryable\"} 2\n",
           "holdfast_dead_messages_total{reason=\"session_gone\"} 2\n",
           "holdfast_store_answers_total{outcome=\"stored\"} 6\n",
           "holdfast_store_answers_total{outcome=\"failed\"} 2\n",
           "holdfast_stored_messages_total 30\n",
           "holdfast_messages_total 40\n",
           "holdfast_message_bytes_total 4000\n",
           "holdfast_tokens_total 800\n",
           "holdfast_responses_total{route=\"messages_add\",status=\"2xx\"} 40\n",
           "holdfast_cache_lookups_total{outcome=\"hit\"} 2\n",
           "holdfast_cache_merged_hits_total 2\n",
           "holdfast_embedding_cache_lookups_total{outcome=\"hit\"} 6\n",
           "holdfast_embedding_cache_lookups_total{outcome=\"miss\"} 4\n",
           "holdfast_cache_joined_searches_total 4\n",
           "holdfast_cache_verified_hits_total 100\n",
           "holdfast_cache_false_hits_total 2\n",
           "holdfast_request_pool_leases_total{storage=\"reused\"} 6\n",
           "holdfast_request_pool_leases_total{storage=\"fresh\"} 2\n",
           "holdfast_journal_records_total 100\n",
           "holdfast_embedding_requests_total 6\n",
           "holdfast_embedding_failures_total{reason=\"timeout\"} 2\n",
           "holdfast_embedding_back_filled_total 40\n",
       }) {
    EXPECT_THAT(text, HasSubstr(line));
  }
}

TEST_F(ExportTest, GaugesNowAreWhatEnteredWithoutWhatLeft) {
  fill();
  const auto text = scrape();
  for (const char* line : {
           "holdfast_stage_items{stage=\"round_buffer\"} 6\n",
           "holdfast_stage_bytes{stage=\"round_buffer\"} 600\n",
           "holdfast_flush_queue_batches 5\n",
           "holdfast_flush_queue_limit_batches 100\n",
           "holdfast_flush_busy_workers 2\n",
           "holdfast_flush_workers 3\n",
           "holdfast_oldest_unflushed_age_seconds 10\n",
           "holdfast_cache_entries 2\n",
           "holdfast_cache_false_hit_rate{bound=\"lower\"} 0.0055",
           "holdfast_cache_false_hit_rate{bound=\"upper\"} 0.0700",
           "holdfast_cache_similarity_threshold 0.975\n",
           "holdfast_connections 14\n",
           "holdfast_request_pool_reuse_ratio 0.75\n",
           "holdfast_request_pool_bytes{state=\"used\"} 32768\n",
           "holdfast_request_pool_bytes{state=\"most_used\"} 131072\n",
           "holdfast_request_pool_bytes{state=\"idle\"} 65536\n",
           "holdfast_journal_segments 2\n",
           "holdfast_journal_limit_bytes 8000000000\n",
           "holdfast_flush_deadline_seconds 180\n",
           "holdfast_ready 1\n",
           "holdfast_embedding_pending_vectors 17\n",
           "holdfast_embedding_waiting_texts 3\n",
           "holdfast_embedding_circuit_open 1\n",
           "holdfast_bypass_mode 0\n",
           "holdfast_store_objects{kind=\"messages\"} 4\n",
           "holdfast_build_info{version=\"0.1.0\",commit=\"abc1234\"} 1\n",
       }) {
    EXPECT_THAT(text, HasSubstr(line));
  }
  EXPECT_THAT(text, HasSubstr("holdfast_disk_free_bytes{directory=\"journal\"} "));
}

TEST_F(ExportTest, TheSeedsIndicatorsAreThere) {
  fill();
  const auto text = scrape();
  for (const char* line : {
           "holdfast_throughput_messages_per_minute 240\n",
           "holdfast_latency_p50_seconds{operation=\"write\"} 0.00",
           "holdfast_latency_p95_seconds{operation=\"write\"} 0.00",
           "holdfast_latency_p50_seconds{operation=\"query\"} 0.0",
           "holdfast_latency_p95_seconds{operation=\"query\"} 0.02",
           "holdfast_cache_hit_rate 0.5\n",
           "holdfast_error_rate 0\n",
           "holdfast_worker_utilization 0.05\n",
           "holdfast_flush_success_rate 0.75\n",
           "holdfast_buffer_utilization 0.011016\n",
           "holdfast_transfer_rate_rounds_per_second 0.8\n",
           "holdfast_memory_usage_bytes ",
           "holdfast_memory_limit_bytes ",
       }) {
    EXPECT_THAT(text, HasSubstr(line));
  }
}

TEST_F(ExportTest, HistogramsAreCumulativeAndInSeconds) {
  fill();
  const auto text = scrape();
  for (const char* line : {
           "holdfast_request_duration_seconds_count{route=\"messages_add\"} 2\n",
           "holdfast_request_duration_seconds_sum{route=\"messages_add\"} 0.004\n",
           "holdfast_request_duration_seconds_bucket{route=\"messages_add\",le=\"0.001\"} 0\n",
           "holdfast_request_duration_seconds_bucket{route=\"messages_add\",le=\"0.0025\"} 2\n",
           "holdfast_request_duration_seconds_bucket{route=\"messages_add\",le=\"+Inf\"} 2\n",
           "holdfast_request_duration_seconds_count{route=\"query\"} 0\n",
           "holdfast_batch_messages_bucket{le=\"4\"} 0\n",
           "holdfast_batch_messages_bucket{le=\"7\"} 2\n",
           "holdfast_component_duration_seconds_bucket{component=\"round\",le=\"5e-07\"} 2\n",
           "holdfast_component_duration_seconds_count{component=\"round\"} 2\n",
           "holdfast_component_duration_seconds_sum{component=\"store\"} 0.003\n",
           "holdfast_component_duration_seconds_count{component=\"aggregation\"} 0\n",
           "holdfast_store_write_duration_seconds_sum 1.5\n",
           "holdfast_store_write_duration_seconds_count 3\n",
       }) {
    EXPECT_THAT(text, HasSubstr(line));
  }
}

TEST_F(ExportTest, MemoryPressureIsExportedWhereTheMonitorRuns) {
  EXPECT_THAT(scrape(), Not(HasSubstr("holdfast_memory_pressure_level")));
  fill();
  probes_.shards[0]->request_bytes.set(4096);
  probes_.shards[1]->embedding_cache_bytes.set(2048);
  probes_.store.item_cache_bytes.set(8192);
  probes_.journal.ledger_bytes.set(96);
  memory::Pressure pressure;
  pressure.count(memory::Action::kept_in_journal, 7);
  pressure.set_batch_messages(64);
  memory::Report report;
  report.level = memory::Level::critical;
  report.entered = {0, 2, 1, 0};
  report.shares[memory::Signal::resident] = 0.95;
  report.limits.process = {1000, "memory.max_process_mb"};
  report.readings.unreadable = {"one", "two"};
  report.readings.oom_kills = 3;
  report.fragmentation = 0.125;
  report.checks = 40;
  report.cpu = std::chrono::milliseconds(2);
  live_.memory = report;
  live_.pressure = &pressure;
  const auto text = scrape();
  for (const char* line : {
           "holdfast_memory_pressure_level 2\n",
           "holdfast_memory_level_changes_total{level=\"warning\"} 2\n",
           "holdfast_memory_signal_ratio{signal=\"resident\"} 0.95\n",
           "holdfast_memory_actions_total{action=\"kept_in_journal\"} 7\n",
           "holdfast_memory_accounted_bytes{component=\"requests\"} 4096\n",
           "holdfast_memory_pressure_limit_bytes{limit=\"process\",origin=\"memory.max_process_mb\"} 1000\n",
           "holdfast_memory_unreadable_sources 2\n",
           "holdfast_memory_oom_kills_total 3\n",
           "holdfast_flush_batch_limit_messages 64\n",
           "holdfast_memory_checks_total 40\n",
           "holdfast_memory_fragmentation_ratio 0.125\n",
           "holdfast_memory_accounted_bytes{component=\"item_cache\"} 8192\n",
           "holdfast_memory_accounted_bytes{component=\"embedding_cache\"} 2048\n",
           "holdfast_memory_accounted_bytes{component=\"journal\"} 96\n",
           "holdfast_memory_monitor_cpu_seconds_total 0.002\n",
       }) {
    EXPECT_THAT(text, HasSubstr(line));
  }
  // Two shards, three messages of 300 bytes in each stage of each.
  const auto buffered = std::to_string(2 * (300 + 3 * kMessageOverhead));
  EXPECT_THAT(text, HasSubstr("holdfast_memory_accounted_bytes{component=\"in_flight\"} " + buffered + "\n"));
  for (const char* unknown :
       {"holdfast_memory_signal_ratio{signal=\"cgroup\"}", "holdfast_memory_available_bytes",
        "holdfast_memory_seconds_to_limit", "holdfast_memory_stalled_share"}) {
    EXPECT_THAT(text, Not(HasSubstr(unknown)));
  }
}

TEST_F(ExportTest, StepsOfAutoTuneAreExportedWhereItIsOn) {
  EXPECT_THAT(scrape(), Not(HasSubstr("holdfast_auto_tune_steps_total")));
  TuningProbe tuning;
  tuning.steps[TuningStep::larger_batches][TuningOutcome::backed_out].add(2);
  live_.tuning = &tuning;
  live_.working_flush_workers = 2;
  const auto text = scrape();
  EXPECT_THAT(text, HasSubstr("holdfast_flush_working_workers 2\n"));
  EXPECT_THAT(
      text, HasSubstr("holdfast_auto_tune_steps_total{step=\"larger_batches\",outcome=\"backed_out\"} 2\n"));
}

TEST_F(ExportTest, WhatIsNotKnownIsLeftOut) {
  fixed_ = {};
  live_ = {};
  fixed_.sources = {directory_.path() / "none", directory_.path() / "none", {}};
  const auto text = scrape();
  for (const char* name :
       {"holdfast_flush_queue_limit_batches", "holdfast_buffer_limit_bytes", "holdfast_store_objects",
        "holdfast_cache_hit_rate", "holdfast_error_rate", "holdfast_latency_p95_seconds",
        "holdfast_flush_success_rate", "holdfast_memory_usage_bytes", "holdfast_memory_limit_bytes",
        "holdfast_process_cpu_seconds_total", "holdfast_disk_free_bytes"}) {
    EXPECT_THAT(text, Not(HasSubstr(name)));
  }
  EXPECT_THAT(text, HasSubstr("holdfast_messages_total 0\n"));
  EXPECT_THAT(text, HasSubstr("holdfast_oldest_unflushed_age_seconds 0\n"));
}

TEST_F(ExportTest, DurabilityIsLostOnlyForAReason) {
  const std::string failed = "holdfast_durability_lost{reason=\"journal_failed\"} ";
  const std::string none = "holdfast_durability_lost{reason=\"durability_none\"} ";
  EXPECT_THAT(scrape(), HasSubstr(failed + "0\n"));
  EXPECT_THAT(scrape(), HasSubstr(none + "0\n"));
  EXPECT_THAT(scrape(), HasSubstr("holdfast_durability_info{durability=\"fsync\"} 1\n"));

  fixed_.durability = "none";
  EXPECT_THAT(scrape(), HasSubstr(none + "1\n"));
  live_.bypass = true;  // the store has committed what is acknowledged
  EXPECT_THAT(scrape(), HasSubstr(none + "0\n"));
  EXPECT_THAT(scrape(), HasSubstr("holdfast_bypass_mode 1\n"));

  probes_.journal.failed.set(1);
  EXPECT_THAT(scrape(), HasSubstr(failed + "1\n"));
  EXPECT_THAT(scrape(), HasSubstr("holdfast_journal_failed 1\n"));
}

TEST_F(ExportTest, TheAgeOfTheOldestIsThatOfTheOldestShard) {
  const auto now =
      static_cast<std::uint64_t>(std::chrono::nanoseconds(clock_.steady_now().time_since_epoch()).count());
  probes_.shards[0]->oldest_unflushed_ns.set(now - 3'000'000'000);
  probes_.shards[1]->oldest_unflushed_ns.set(now - 8'000'000'000);
  EXPECT_THAT(scrape(), HasSubstr("holdfast_oldest_unflushed_age_seconds 8\n"));
  probes_.shards[1]->oldest_unflushed_ns.set(now + 5);  // stamped after the clock was read
  probes_.shards[0]->oldest_unflushed_ns.set(0);
  EXPECT_THAT(scrape(), HasSubstr("holdfast_oldest_unflushed_age_seconds 0\n"));
}

TEST_F(ExportTest, PromtoolFindsNothingToSay) {
  if (std::system("command -v promtool >/dev/null 2>&1") != 0) GTEST_SKIP() << "promtool is not installed";
  fill();
  directory_.write("scrape", scrape());
  const auto folder = directory_.path().string();
  const auto command = "promtool check metrics <" + folder + "/scrape >" + folder + "/said 2>&1";
  const int status = std::system(command.c_str());
  std::stringstream said;
  said << std::ifstream(directory_.path() / "said").rdbuf();
  EXPECT_EQ(status, 0) << said.str();
  EXPECT_EQ(said.str(), "");
}

}  // namespace
}  // namespace holdfast::metrics
