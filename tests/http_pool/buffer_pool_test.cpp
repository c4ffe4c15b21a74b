#include "holdfast/http/buffer_pool.hpp"

#include <gtest/gtest.h>

namespace holdfast::http {
namespace {

constexpr std::size_t kKiB = 1024;

class BufferPoolTest : public testing::Test {
 protected:
  // Leases that many bytes, fills them and gives them back.
  const char* use(std::size_t bytes) {
    auto lease = pool_.lease(bytes);
    lease.text().resize(bytes, 'x');
    return lease.text().data();
  }

  memory::Pressure pressure_;
  metrics::ShardProbe probe_;
  BufferPool pool_{100 * kKiB, pressure_, probe_};
};

TEST_F(BufferPoolTest, StorageIsUsedAgainByWhatFitsIntoIt) {
  const auto* storage = use(60 * kKiB);
  EXPECT_EQ(probe_.pool_reused.value(), 0u);
  EXPECT_GE(probe_.pool_idle_bytes.value(), 60 * kKiB);
  {
    const auto lease = pool_.lease(20 * kKiB);
    EXPECT_EQ(lease.text().data(), storage);
    EXPECT_TRUE(lease.text().empty());
    EXPECT_EQ(probe_.pool_idle_bytes.value(), 0u);
    EXPECT_EQ(probe_.pool_used_bytes.value(), 20 * kKiB);
    const auto other = pool_.lease(20 * kKiB);  // there is only one
    EXPECT_NE(other.text().data(), storage);
    EXPECT_EQ(probe_.pool_used_bytes.value(), 40 * kKiB);
  }
  (void)pool_.lease(90 * kKiB);  // too large for it
  EXPECT_EQ(probe_.pool_taken.value(), 4u);
  EXPECT_EQ(probe_.pool_reused.value(), 1u);
  EXPECT_EQ(probe_.pool_used_bytes.value(), 0u);
  EXPECT_EQ(probe_.pool_most_used_bytes.value(), 90 * kKiB);
}

TEST_F(BufferPoolTest, KeepsNoMoreThanItsLimit) {
  {
    auto a = pool_.lease(60 * kKiB), b = pool_.lease(60 * kKiB);
    a.text().resize(60 * kKiB);
    b.text().resize(60 * kKiB);
  }
  EXPECT_LE(probe_.pool_idle_bytes.value(), 100 * kKiB);
  EXPECT_GE(probe_.pool_idle_bytes.value(), 60 * kKiB);
  use(200 * kKiB);
  EXPECT_LE(probe_.pool_idle_bytes.value(), 100 * kKiB);
}

TEST_F(BufferPoolTest, SmallOnesArePassedBy) {
  use(BufferPool::kLeastBytes - 1);
  EXPECT_EQ(probe_.pool_taken.value(), 0u);
  EXPECT_EQ(probe_.pool_idle_bytes.value(), 0u);
}

TEST_F(BufferPoolTest, KeepsNothingWhileMemoryIsCritical) {
  use(60 * kKiB);
  auto held = pool_.lease(20 * kKiB);
  use(30 * kKiB);
  EXPECT_GT(probe_.pool_idle_bytes.value(), 0u);
  pressure_.set_level(memory::Level::critical);
  held = {};
  EXPECT_EQ(probe_.pool_idle_bytes.value(), 0u);
  pressure_.set_level(memory::Level::normal);
  use(30 * kKiB);
  pool_.drop_idle_where_critical();
  EXPECT_GT(probe_.pool_idle_bytes.value(), 0u);
  pressure_.set_level(memory::Level::critical);
  pool_.drop_idle_where_critical();
  EXPECT_EQ(probe_.pool_idle_bytes.value(), 0u);
}

TEST_F(BufferPoolTest, ALeaseThatMovesIsGivenBackOnce) {
  auto first = pool_.lease(20 * kKiB);
  first.text().resize(20 * kKiB);
  auto second = std::move(first);
  first = BufferPool::Lease("of no pool");
  EXPECT_EQ(std::string_view(first), "of no pool");
  EXPECT_EQ(probe_.pool_idle_bytes.value(), 0u);
  second = {};
  EXPECT_GE(probe_.pool_idle_bytes.value(), 20 * kKiB);
  EXPECT_EQ(probe_.pool_used_bytes.value(), 0u);
}

}  // namespace
}  // namespace holdfast::http
