#include "holdfast/memory/pressure.hpp"

#include <gtest/gtest.h>

namespace holdfast::memory {
namespace {

using std::chrono::duration;

TEST(BatchLimit, FollowsTheLevel) {
  BatchLimit limit;
  const duration<double> second(1), tick(0.1);
  EXPECT_EQ(limit.after(Level::normal, second), 1024u);
  EXPECT_EQ(limit.after(Level::warning, second), 819u);
  EXPECT_EQ(limit.after(Level::critical, second), 409u);
  for (int i = 0; i < 10; ++i) limit.after(Level::critical, tick);
  EXPECT_EQ(limit.after(Level::critical, duration<double>(0)), 204u);  // ten tenths are a second
  EXPECT_EQ(limit.after(Level::emergency, duration<double>(0)), 64u);
  EXPECT_EQ(limit.after(Level::warning, second), 64u);
  EXPECT_EQ(limit.after(Level::normal, second), 80u);
  EXPECT_EQ(limit.after(Level::normal, 100 * second), 1024u);
}

TEST(CacheShare, FollowsTheLevel) {
  EXPECT_EQ(cache_share(Level::normal), 1.0);
  EXPECT_EQ(cache_share(Level::warning), 0.75);
  EXPECT_EQ(cache_share(Level::critical), 0.25);
  EXPECT_EQ(cache_share(Level::emergency), 0.0);
}

TEST(Pressure, CountsEachActionByItself) {
  Pressure pressure;
  pressure.count(Action::refused);
  pressure.count(Action::kept_in_journal, 3);
  EXPECT_EQ(pressure.counted(Action::refused), 1u);
  EXPECT_EQ(pressure.counted(Action::kept_in_journal), 3u);
  EXPECT_EQ(pressure.counted(Action::allocator_purged), 0u);
}

}  // namespace
}  // namespace holdfast::memory
