#include "holdfast/metrics/memory_advice.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace holdfast::metrics {
namespace {

using memory::Level;
using memory::Signal;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::uint64_t kMiB = 1u << 20;

// 100 MiB for the buffers, 300 for the process.
class MemoryAdviceTest : public testing::Test {
 protected:
  MemoryAdviceTest() {
    report_.limits.buffers = {100 * kMiB, "memory.max_buffer_mb"};
    report_.limits.process = {300 * kMiB, "memory.max_process_mb"};
    report_.readings.resident_bytes = 200 * kMiB;
  }
  void press(Signal cause) {
    report_.level = Level::warning;
    report_.cause = cause;
    report_.shares[cause] = 0.8;
  }
  std::vector<std::string_view> settings() const {
    std::vector<std::string_view> names;
    for (const auto& one : suggest(report_, accounted_, largest_user_, estimated_peak_))
      names.push_back(one.setting);
    return names;
  }

  memory::Report report_;
  PerLabel<Component, std::uint64_t> accounted_;
  std::uint64_t largest_user_ = 0, estimated_peak_ = 0;
};

TEST_F(MemoryAdviceTest, NothingIsSaidWhileAllIsWell) {
  accounted_[Component::query_cache] = 10 * kMiB;
  EXPECT_THAT(settings(), IsEmpty());
  report_.seconds_to_limit = 3601;
  EXPECT_THAT(settings(), IsEmpty());
}

TEST_F(MemoryAdviceTest, TheCauseNamesItsLimit) {
  press(Signal::accounted);
  report_.accounted_bytes = 80 * kMiB;
  const auto advice = suggest(report_, accounted_, 0, 0);
  ASSERT_EQ(advice.size(), 1u);
  EXPECT_EQ(advice[0].setting, "memory.max_buffer_mb");
  EXPECT_THAT(advice[0].text, HasSubstr("raise it"));
  EXPECT_THAT(advice[0].text, HasSubstr("80 % of its limit of 100.0 MiB (memory.max_buffer_mb)"));
  press(Signal::resident);
  EXPECT_THAT(settings(), ElementsAre("memory.max_process_mb"));
  press(Signal::available);
  EXPECT_THAT(settings(), ElementsAre("memory.max_buffer_mb"));
  EXPECT_THAT(suggest(report_, accounted_, 0, 0)[0].text, HasSubstr("lower it"));
}

TEST_F(MemoryAdviceTest, ALimitThatIsNearInTimeCountsAsPressure) {
  report_.seconds_to_limit = 600;
  EXPECT_THAT(settings(), ElementsAre("memory.max_process_mb"));
}

TEST_F(MemoryAdviceTest, TheLargestPartsAreNamed) {
  press(Signal::resident);
  accounted_[Component::hybrid_buffer] = 20 * kMiB;
  accounted_[Component::query_cache] = 40 * kMiB;
  accounted_[Component::item_cache] = 40 * kMiB;
  EXPECT_THAT(settings(),
              ElementsAre("memory.max_process_mb", "buffer.query.cache_size", "store.sqlite.cache_bytes"));
  accounted_[Component::requests] = 60 * kMiB;
  EXPECT_THAT(settings(), ElementsAre("memory.max_process_mb", "server.limits.inflight_bytes"));
  accounted_[Component::in_flight] = 200 * kMiB;
  EXPECT_THAT(settings(), ElementsAre("memory.max_process_mb", "memory.max_buffer_mb"));
}

TEST_F(MemoryAdviceTest, LimitsThatDoNotFitTogetherAreSaidUnderPressure) {
  estimated_peak_ = 301 * kMiB;
  EXPECT_THAT(settings(), IsEmpty());
  press(Signal::resident);
  EXPECT_THAT(settings(), ElementsAre("memory.max_process_mb", "memory.max_buffer_mb"));
  estimated_peak_ = 300 * kMiB;
  EXPECT_THAT(settings(), ElementsAre("memory.max_process_mb"));
}

TEST_F(MemoryAdviceTest, OneUserWhoFillsTheBuffersIsASharesMatter) {
  accounted_[Component::round_buffer] = 60 * kMiB;
  largest_user_ = 31 * kMiB;
  EXPECT_THAT(settings(), ElementsAre("memory.user_share"));
  largest_user_ = 30 * kMiB;
  EXPECT_THAT(settings(), IsEmpty());
  accounted_[Component::round_buffer] = 50 * kMiB;  // half full
  largest_user_ = 50 * kMiB;
  EXPECT_THAT(settings(), IsEmpty());
}

}  // namespace
}  // namespace holdfast::metrics
