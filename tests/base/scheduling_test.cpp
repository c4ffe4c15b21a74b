#include "holdfast/base/scheduling.hpp"

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <thread>

namespace holdfast {
namespace {

// struct sched_attr, version 0: nice at byte 16, runtime at byte 24.
struct Scheduled {
  std::int32_t nice = 0;
  std::uint64_t slice_ns = 0;  // 0 before Linux 6.12
};

Scheduled scheduled() {
  std::array<char, 48> attributes{};
  Scheduled now;
  if (::syscall(SYS_sched_getattr, 0, attributes.data(), attributes.size(), 0) != 0) return now;
  std::memcpy(&now.nice, attributes.data() + 16, sizeof(now.nice));
  std::memcpy(&now.slice_ns, attributes.data() + 24, sizeof(now.slice_ns));
  return now;
}

TEST(SchedulingTest, AThreadGetsShortSlicesAndKeepsItsNiceness) {
  if (::sched_getscheduler(0) != SCHED_OTHER) GTEST_SKIP() << "only usual threads have such slices";
  if (scheduled().slice_ns == 0) GTEST_SKIP() << "this kernel has no slices to ask for";
  Scheduled after;
  std::thread([&] {
    ::setpriority(PRIO_PROCESS, 0, 3);
    ask_for_short_slices();
    after = scheduled();
  }).join();
  EXPECT_EQ(after.slice_ns, 100'000);
  EXPECT_EQ(after.nice, 3);
  EXPECT_NE(scheduled().slice_ns, 100'000) << "other threads keep theirs";
}

}  // namespace
}  // namespace holdfast
