#include "holdfast/flush/bisection.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace holdfast::flush {
namespace {

// Against every set of refused operations of a batch of six.
TEST(Bisection, FindsExactlyWhatIsRefusedAndWritesTheRestInOrder) {
  constexpr std::size_t kSize = 6;
  for (unsigned mask = 0; mask < 1u << kSize; ++mask) {
    Bisection bisection(kSize);
    std::vector<std::size_t> written, dropped;
    int calls = 0;
    while (!bisection.done()) {
      ASSERT_LT(++calls, 4 * static_cast<int>(kSize));
      const auto range = bisection.next();
      bool refused = false;
      for (auto i = range.begin; i < range.end; ++i) refused = refused || (mask >> i & 1);
      if (!refused) {
        for (auto i = range.begin; i < range.end; ++i) written.push_back(i);
        bisection.accepted();
      } else if (!bisection.refused()) {
        EXPECT_EQ(range.size(), 1u);
        dropped.push_back(range.begin);
        bisection.drop();
      }
    }
    std::vector<std::size_t> good, bad;
    for (std::size_t i = 0; i < kSize; ++i) (mask >> i & 1 ? bad : good).push_back(i);
    EXPECT_EQ(written, good) << mask;
    EXPECT_EQ(dropped, bad) << mask;
  }
}

}  // namespace
}  // namespace holdfast::flush
