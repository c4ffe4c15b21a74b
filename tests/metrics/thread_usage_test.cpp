#include "holdfast/metrics/thread_usage.hpp"

#include <gtest/gtest.h>
#include <pthread.h>
#include <time.h>

#include <latch>
#include <thread>

namespace holdfast::metrics {
namespace {

constexpr std::uint64_t kWork = 20'000'000;  // ns of CPU time

void work() {
  timespec spent{};
  do {
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &spent);
  } while (static_cast<std::uint64_t>(spent.tv_sec) * 1'000'000'000 +
               static_cast<std::uint64_t>(spent.tv_nsec) <
           kWork);
}

TEST(ThreadUsage, CpuTimeIsCountedByTheNamesOfThreads) {
  std::thread([] {}).join();  // with the first one a sanitizer starts its own
  const auto before = read_thread_usage();
  EXPECT_EQ(before.classes[ThreadClass::shard].threads, 0u);
  std::latch worked(5), read(1);
  std::vector<std::thread> threads;
  for (const char* name : {"shard-3", "journal", "flush-0", "store-1", "compute-0"}) {
    threads.emplace_back([&, name] {
      pthread_setname_np(pthread_self(), name);
      work();
      worked.count_down();
      read.wait();
    });
  }
  worked.wait();
  const auto usage = read_thread_usage();
  read.count_down();
  for (auto& thread : threads) thread.join();

  for (const auto label : {ThreadClass::shard, ThreadClass::journal, ThreadClass::flush}) {
    EXPECT_EQ(usage.classes[label].threads, 1u) << to_string(label);
    EXPECT_GE(usage.classes[label].cpu_ns, kWork) << to_string(label);
  }
  EXPECT_EQ(usage.classes[ThreadClass::pool].threads, 2u);
  EXPECT_GE(usage.classes[ThreadClass::pool].cpu_ns, 2 * kWork);
  EXPECT_EQ(usage.classes[ThreadClass::other].threads, before.classes[ThreadClass::other].threads);
  ASSERT_EQ(usage.shard_cpu_ns.size(), 4u);
  EXPECT_EQ(usage.shard_cpu_ns[0], 0u);
  EXPECT_EQ(usage.shard_cpu_ns[3], usage.classes[ThreadClass::shard].cpu_ns);
}

}  // namespace
}  // namespace holdfast::metrics
